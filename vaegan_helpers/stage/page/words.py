"""What the training stage says: where the run stands, in a line for readers and screen readers."""

import html

import numpy as np

from vaegan_helpers import training

COUNTED = 2500  # samples on which modes are counted


def standing(state, counts):
    """Round, losses, modes and divergence of a stage, in sentences. Numbers out of training stand after the sign ≈.

    Args:
      state: engine.Stage.
      counts: {"GAN" or "VAE": samples near each mode, (modes,)}, or empty where there are no modes to count.
    """
    history, measured = state.history, state.measured
    said = [f"Round {state.step}" + (f" of {state.end}." if state.end > state.step else ".")]
    for name, words in [("discriminator_loss", "D's loss"), ("generator_loss", "G's loss")]:
        if len(history[name]) and np.isfinite(history[name][-1]):
            said.append(f"{words} ≈ {round(float(history[name][-1]), 2) + 0.0:.2f}.")  # never minus zero
    for model, prefix in [("GAN", ""), ("VAE", "vae_")]:
        parts = []
        if model in counts:
            parts.append(
                f"{modes(counts[model])}, ≈ {100 * counts[model].sum() / COUNTED:.0f} % of samples within 3 std of one"
            )
        if len(measured["step"]):
            parts.append(f"JS ≈ {measured[prefix + 'js'][-1]:.2f} nats at round {measured['step'][-1]}")
        said.append(f"{model}: {', '.join(parts)}." if parts else "")
    return " ".join(filter(None, said))


def modes(per_mode):
    """How many modes have samples."""
    return f"≈ {int(np.sum(per_mode > 0))} of {len(per_mode)} modes"


def live(counts):
    """The modes in a few words, beside the counter of rounds."""
    return " · ".join(
        f"{model} {int(np.sum(per_mode > 0))} of {len(per_mode)} modes" for model, per_mode in counts.items()
    )


def explained(error, labels):
    """An error in words, with a setting called as its control is; `labels` maps names of settings to those of controls."""
    expected = isinstance(error, (ValueError, training.Diverged))
    words = str(error) if expected else f"Something unexpected happened. {type(error).__name__}: {error}"
    name = words.split(" ")[0]
    return labels.get(name, name) + words[len(name) :]


def alarm(words):
    """What went wrong, as HTML that a screen reader speaks at once."""
    return f'<div class="vg-message vg-error" role="alert">{html.escape(words)}</div>'


BUSY = '<div class="vg-message vg-phase">This choice is prepared for its first use: a few seconds. What you change meanwhile is done right after.</div>'
