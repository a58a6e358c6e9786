"""What the training stage says: where the run stands, in a line for readers and screen readers, and what went
wrong."""

import numpy as np

from vaegan_helpers import training
from vaegan_helpers.stage import engine
from vaegan_helpers.stage.page import tables

COUNTED = 2500  # samples on which modes are counted


def standing(state: engine.Stage, counts: dict[str, np.ndarray]) -> str:
    """Round, losses, modes and divergence of a stage, in sentences. Numbers out of training stand after the
    sign ≈.

    Args:
      state: engine.Stage.
      counts: {"GAN" or "VAE": samples near each mode, (modes,)}, or empty where there are no modes to count.
    """
    history, measured = state.history, state.measured
    said = [f"Round {state.step}" + (f" of {state.end}." if state.end > state.step else ".")]
    for name, words in [("discriminator_loss", "D's loss"), ("generator_loss", "G's loss")]:
        if len(history[name]) and np.isfinite(history[name][-1]):
            said.append(f"{words} ≈ {round(float(history[name][-1]), 2) + 0.0:.2f}.")  # never minus zero
    if state.path is not None:
        g, d, vae = state.path[-1]
        return " ".join([*said, f"G's number ≈ {g:.2f}, D's ≈ {d:.2f}; the VAE's ≈ {vae:.2f}."])
    for model, prefix in [("GAN", ""), ("VAE", "vae_")]:
        parts = []
        if model in counts:
            parts.append(
                f"≈ {(counts[model] > 0).sum()} of {len(counts[model])} modes, "
                f"≈ {100 * counts[model].sum() / COUNTED:.0f} % of samples within 3 std of one"
            )
        if len(measured["step"]):
            parts.append(f"JS ≈ {measured[prefix + 'js'][-1]:.2f} nats at round {measured['step'][-1]}")
        said.append(f"{model}: {', '.join(parts)}.")
    return " ".join(said)


def live(counts: dict[str, np.ndarray]) -> str:
    """The modes in a few words, beside the counter of rounds."""
    return " · ".join(
        f"{model} {(per_mode > 0).sum()} of {len(per_mode)} modes" for model, per_mode in counts.items()
    )


def explained(error: Exception) -> str:
    """An error in words, with a setting called as its control is."""
    expected = isinstance(error, (ValueError, training.Diverged))
    words = str(error) if expected else f"Something unexpected happened. {type(error).__name__}: {error}"
    name = words.split(" ")[0]
    return tables.LABELS.get(name, name) + words[len(name) :]
