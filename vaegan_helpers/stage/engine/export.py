"""What can be taken away from a stage: its history, the text that rebuilds the run, and code that does
without a stage."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from vaegan_helpers.inputs import require_whole
from vaegan_helpers.stage.engine import scene
from vaegan_helpers.stage.engine.networks import CURVES
from vaegan_helpers.stage.engine.settings import (
    CATEGORIES,
    FALLING_ROUNDS,
    FREQUENCIES,
    SOURCES,
    UNROLLED_STEPS,
    Settings,
)


def csv(stage: Any) -> str:
    """The history up to this step as text, with one row for each round and what was measured after it."""
    measured = stage.measured
    names = [name for name in measured if name != "step"]
    lines = [",".join(["round", *CURVES, *(f"measured_{name}" for name in names)])]
    at = {int(step): i for i, step in enumerate(measured["step"])}
    history = np.stack([stage.history[name] for name in CURVES], axis=1)
    for step in range(stage.step + 1):
        curves = history[step - 1] if step else np.full(len(CURVES), np.nan)
        values = [measured[name][at[step]] if step in at else np.nan for name in names]
        said = ("" if np.isnan(value) else f"{value:.6g}" for value in [*curves, *values])
        lines.append(",".join([str(step), *said]))
    return "\n".join(lines) + "\n"


def other_than_usual(settings: Settings) -> dict[str, Any]:
    """The settings that differ from the usual ones, as a dictionary."""
    usual = dataclasses.asdict(Settings())
    return {name: value for name, value in dataclasses.asdict(settings).items() if value != usual[name]}


def line_of_code(stage: Any) -> str:
    """The call that rebuilds this stage at step 0, with the settings that hold now."""
    s = stage.settings
    points = f"points={np.round(np.float64(stage.points), 3).tolist()}" if s.data == "drawn" else repr(s.data)
    others = other_than_usual(dataclasses.replace(s, data=Settings.data, seed=Settings.seed))
    given = [points, f"seed={s.seed}", *(f"{name}={value!r}" for name, value in others.items())]
    return f"stage.TrainingStage({', '.join(given)})"


def text_of(stage: Any, layers: Iterable[str] | None = None) -> str:
    """The whole run in a line of JSON: where it began, and everything done since. `read` understands it."""
    first = stage.first_settings
    parts: dict[str, Any] = {"settings": other_than_usual(first), "run": list(stage.recipe)}
    if first.data == "drawn":
        parts["points"] = np.round(np.float64(stage.points), 3).tolist()
    if layers is not None:
        parts["layers"] = sorted(layers)
    return json.dumps(parts, separators=(",", ":"))


def read(text: str) -> tuple[dict[str, Any], list, list[str] | None]:
    """The parts of such a text, checked as far as a stage does not check them itself.

    Returns:
      (what begins the stage, as keyword arguments; what to do then, a list; names of layers, or None).

    Raises:
      ValueError: the text is not one that `text_of` wrote.
    """
    try:
        parts = json.loads(text)
        run = [dict(done) if isinstance(done, dict) else (done[0], done[1]) for done in parts["run"]]
        given, layers = dict(parts["settings"]), parts.get("layers")
    except (ValueError, KeyError, TypeError, IndexError):
        raise ValueError(f"this is not the text of a run: {str(text)[:60]!r}") from None
    for done in run:
        if isinstance(done, tuple):
            require_whole(rounds=done[1])
    if "points" in parts:
        given |= {"points": parts["points"], "data": None}
    return given, run, layers


def replay(stage: Any, run: list, most: float) -> list:
    """Does what such a list says, in order, with at most so many rounds of training; returns what is left of
    it."""
    run = list(run)
    while run and most > 0:
        done = run.pop(0)
        if isinstance(done, dict):
            stage.change(**done)
            continue
        who, rounds = done
        now = min(rounds, most)
        stage.advance(now, who)
        most -= now
        if now < rounds:
            run.insert(0, (who, rounds - now))
    return run


def fitting_code(stage: Any) -> str:
    """A cell that trains the same two models with `fit_gan` and `fit_vae`, from the same keys to the same
    numbers.

    Both play one game from its beginning to its end: settings that were changed on the way are taken as they
    are now, and the cell says so.
    """
    s = stage.settings
    steps = int(FALLING_ROUNDS) if s.falling_rates else max(stage.step, 1000 if stage.step == 0 else 1)
    said = []
    if any(isinstance(done, dict) or done[0] != "both" for done in stage.recipe):
        said.append(
            "# On the stage something was changed on the way; here the settings of now hold from round 1."
        )
    if s.falling_rates:
        said.append(f"# The learning rates fall over {steps} rounds, so the run goes on to their end.")
    sizes = f"hidden_dim={s.hidden_dim}, hidden_layers={s.hidden_layers}"
    categories = CATEGORIES if s.noise == "mixture" else 0
    generator, before = "models.Generator", ""
    if s.noise == "uniform":
        generator, before = "UniformGenerator", UNIFORM
    of_g = f", categories={categories}" if categories else ""
    of_d = "".join(
        f", {words}"
        for words, on in [
            ("packing=2", s.packing),
            ("minibatch_std=True", s.minibatch_std),
            ("spectral_norm=True", s.spectral_norm),
            (f"frequencies={FREQUENCIES}", s.fourier_features),
        ]
        if on
    )
    imports, of_g = "", f"x_dim=2, {sizes}, output=lambda x: 2 * x{of_g}"
    made = MODELS.format(
        generator=f"{generator}({s.z_dim + categories}, {of_g}, key=g_key)",
        discriminator=f"models.Discriminator(2, {sizes}{of_d}, key=d_key)",
        vae=f"models.VAE(2, z_dim=2, {sizes}, output=models.identity, key=v_key)",
    )
    if s.data == "Dirac":
        imports = "from vaegan_helpers.stage.engine import networks\n"
        made = (
            "generator, discriminator, vae = "
            f"networks.dirac({s.z_dim}, {s.generator_start}, {s.discriminator_start})\n"
        )
    game = {
        "steps": steps,
        "batch_size": s.batch_size,
        "discriminator_learning_rate": s.discriminator_learning_rate,
        "generator_learning_rate": s.generator_learning_rate,
        "discriminator_steps": s.discriminator_steps,
        "generator_steps": s.generator_steps,
        "loss": s.loss,
        "penalty": None if s.penalty == "none" else s.penalty,
        "penalty_weight": s.penalty_weight,
        "momentum": s.momentum,
        "averaging": 0.995 if s.averaging else 0.0,
        "final_rate": 0.01 if s.falling_rates else 1.0,
        "unrolled_steps": UNROLLED_STEPS * s.unrolling,
        "optimizers": s.optimizers,
    }
    usual: dict[str, Any] = {
        "discriminator_steps": 1,
        "generator_steps": 1,
        "averaging": 0.0,
        "final_rate": 1.0,
    }
    usual |= {"unrolled_steps": 0, "optimizers": ("Adam", "Adam")}
    options = "".join(f"    {name}={value!r},\n" for name, value in game.items() if usual.get(name) != value)
    if s.data == "drawn":
        points = np.round(np.float64(stage.points), 3).tolist()
        data = f"mixtures.around_points(jnp.array({points}))"
    else:
        data = SOURCES[s.data]
    return CELL.format(
        said="".join(f"{line}\n" for line in said), imports=imports, before=before, seed=s.seed, data=data,
        made=made, options=options, std=scene.VAE_STD, steps=steps, batch_size=s.batch_size,
        rate=s.vae_learning_rate, beta=s.beta,
    )  # fmt: skip


UNIFORM = """
class UniformGenerator(models.Generator):
    def __call__(self, z):  # normal noise, squeezed into [-1, 1]
        return super().__call__(2 * jax.scipy.stats.norm.cdf(z) - 1)

"""
MODELS = """g_key, d_key, v_key = jax.random.split(model_key, 3)
generator = {generator}
discriminator = {discriminator}
vae = {vae}
"""
CELL = """{said}import jax
import jax.numpy as jnp
from vaegan_helpers import losses, mixtures, models, training
{imports}{before}
data_key, model_key, _, gan_key, vae_key = jax.random.split(jax.random.key({seed}), 5)
x = {data}.sample(data_key, 20_000)
{made}
generator, discriminator, history = training.fit_gan(
    generator,
    discriminator,
    x,
    gan_key,
{options})


def vae_loss(vae, x, key, beta):
    def log_likelihood(x_hat, x):
        return losses.gaussian_log_likelihood(x_hat, x, std={std})

    return losses.vae_loss(vae, x, key, beta, log_likelihood=log_likelihood)


vae, vae_history = training.fit_vae(
    vae,
    x,
    vae_key,
    steps={steps},
    batch_size={batch_size},
    learning_rate={rate},
    beta={beta},
    loss=vae_loss,
)
"""
