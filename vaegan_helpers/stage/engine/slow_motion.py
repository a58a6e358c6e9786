"""One round of training in numbered steps: what each part of it draws and computes, as arrays to show."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from vaegan_helpers import losses, training
from vaegan_helpers.stage.engine import scene


class Phase(NamedTuple):
    """One step of a round.

    Attributes:
      number: from 1.
      caption: a sentence.
      trains: whose weights change in this step: "discriminator", "generator", "encoder and decoder", or "".
      highlight: names of `arrays` that the step is about.
      arrays: what can be drawn or said, under the names of `Stage.view` where there is such a layer.
    """

    number: int
    caption: str
    trains: str
    highlight: tuple
    arrays: dict


@functools.partial(jax.jit, static_argnames=("loss", "batch_size", "discriminator_steps", "generator_steps"))
def game_arrays(
    before, after, points, key, index, props, *, loss, batch_size, discriminator_steps, generator_steps
):
    """What round `index` of `training.gan_steps` draws and computes: dictionaries for D's first move and for
    G's.

    Args:
      before, after: GanState around the round. D moves first, so G meets the D of `after`.
      points, key, loss, batch_size, discriminator_steps, generator_steps: those of the round.
      index: its number.
      props: scene.Props.
    """
    d_keys, g_keys = training.move_keys(key, index, discriminator_steps, generator_steps)
    g, old_d, new_d = before.generator, before.discriminator, after.discriminator
    real, noise, _ = training.discriminator_batch(d_keys[0], points, batch_size, g.z_dim)
    fake = g(noise)
    real_logits, fake_logits = old_d(real), old_d(fake)
    of_d = {
        "real": real,
        "noise": noise,
        "generated": fake,
        "real_output": loss.output(real_logits),
        "fake_output": loss.output(fake_logits),
        "surface": scene.surface(g, old_d, props, loss),
        "new_surface": scene.surface(g, new_d, props, loss),
    }
    noise, real, _ = training.generator_batch(g_keys[0], points, batch_size, g.z_dim)
    fake = g(noise)
    pull = -scene.sample_gradients(loss, new_d, fake, real)
    of_g = {
        "noise": noise,
        "generated": fake,
        "fake_output": loss.output(new_d(fake)),
        "arrows": jnp.stack([fake, pull], axis=1),
        "new_generated": after.generator(noise),
        "manifold": scene.manifold(g, props),
        "new_manifold": scene.manifold(after.generator, props),
    }
    return of_d, of_g


@functools.partial(jax.jit, static_argnames="batch_size")
def vae_arrays(before, after, points, key, index, batch_size):
    """What step `index` of `training.vae_steps` draws and computes, with the VAE before and after it."""
    steps_key, _ = jax.random.split(key)
    real, noise_key = training.vae_batch(steps_key, index, points, batch_size)
    mean, logvar = before.encode(real)
    codes = losses.reparameterise(mean, logvar, noise_key)
    decoded = before.decode(codes)
    return {
        "real": real,
        "vae_ellipses": jnp.stack([mean, jnp.exp(0.5 * logvar)], axis=1),
        "codes": codes,
        "vae_mean": decoded,
        "vae_reconstructions": jnp.stack([real, decoded], axis=1),
        "new_vae_mean": after.decode(codes),
        "new_vae_reconstructions": jnp.stack([real, after.decode(codes)], axis=1),
    }


def phases(of_d, of_g, of_vae, row, moves):
    """The steps of one round in order, as a list.

    Args:
      of_d, of_g, of_vae: what `game_arrays` and `vae_arrays` give.
      row: the round's entry in the history, name to number.
      moves: (D's, G's) moves in a round.
    """

    def more(count):
        return (
            f" In this round {count} such moves follow one another; the first batch is shown."
            if count > 1
            else ""
        )

    def pick(source, *names, **renamed):
        return {name: source[name] for name in names} | {name: source[old] for name, old in renamed.items()}

    d_sum = {name: row[name] for name in ("discriminator_loss", "penalty", "discriminator_gradient_norm")}
    g_sum = {name: row[name] for name in ("generator_loss", "generator_gradient_norm")}
    vae_sum = {name: row[name] for name in ("vae_loss", "vae_reconstruction", "vae_kl")}
    steps = [
        ("A batch of real points is drawn.", "", ("real",), pick(of_d, "real")),
        ("As many points of noise are drawn for G.", "", ("noise",), pick(of_d, "noise")),
        (
            "G turns the noise into generated points. G itself holds still while D learns.",
            "",
            ("generated",),
            pick(of_d, "real", "noise", "generated"),
        ),
        (
            "D scores both batches.",
            "",
            ("real", "generated", "surface"),
            pick(of_d, "real", "generated", "real_output", "fake_output", "surface"),
        ),
        (
            f"D's loss is {row['discriminator_loss']:.3f}. D's weights move so that it falls: up at real "
            f"points, down at generated ones.{more(moves[0])}",
            "discriminator",
            ("surface",),
            pick(of_d, "real", "generated", surface="new_surface") | d_sum,
        ),
        (
            "It is G's turn: fresh noise is drawn. G needs no real points.",
            "",
            ("noise",),
            pick(of_g, "noise"),
        ),
        (
            "G turns the noise into generated points.",
            "",
            ("generated", "manifold"),
            pick(of_g, "noise", "generated", "manifold"),
        ),
        (
            "The new D scores them. D itself holds still now.",
            "",
            ("generated", "surface"),
            pick(of_g, "generated", "fake_output") | pick(of_d, surface="new_surface"),
        ),
        (
            "The gradient of G's loss comes back through D: each point is told in which direction D finds it "
            "more real.",
            "",
            ("arrows",),
            pick(of_g, "generated", "arrows") | pick(of_d, surface="new_surface"),
        ),
        (
            f"G's loss is {row['generator_loss']:.3f}. G's weights move so that it falls, and the points "
            f"move with them.{more(moves[1])}",
            "generator",
            ("generated", "manifold"),
            pick(of_g, "arrows", generated="new_generated", manifold="new_manifold") | g_sum,
        ),
        (
            "The VAE takes a batch of real points. The encoder gives a Gaussian of codes for each.",
            "",
            ("vae_ellipses",),
            pick(of_vae, "real", "vae_ellipses"),
        ),
        (
            "One code is drawn from each Gaussian.",
            "",
            ("codes",),
            pick(of_vae, "vae_ellipses", "codes"),
        ),
        (
            "The decoder turns the codes into points.",
            "",
            ("vae_mean",),
            pick(of_vae, "codes", "vae_mean"),
        ),
        (
            f"Each point is compared with its original: {row['vae_reconstruction']:.2f} nats. The Gaussians "
            f"of codes are compared with the prior: {row['vae_kl']:.2f} nats.",
            "",
            ("vae_reconstructions",),
            pick(of_vae, "real", "vae_mean", "vae_reconstructions") | vae_sum,
        ),
        (
            f"The loss is {row['vae_loss']:.2f}. The weights of encoder and decoder move together so that it "
            "falls.",
            "encoder and decoder",
            ("vae_reconstructions",),
            pick(of_vae, "real", vae_mean="new_vae_mean", vae_reconstructions="new_vae_reconstructions")
            | vae_sum,
        ),
    ]
    return [Phase(number, *step) for number, step in enumerate(steps, start=1)]
