"""What a training stage shows: the arrays of its pictures and its measurements, by compiled functions of
fixed shape. Their models may be `packed.Packed`."""

import functools
from collections.abc import Collection
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers import losses
from vaegan_helpers.stage.engine import divergences
from vaegan_helpers.stage.engine.packed import whole

EXTENT = (-3.0, 3.0, -3.0, 3.0)  # the plane of every stage
CELLS = 64  # the surfaces have so many cells along each edge
KERNEL_WIDTH = 6.0 / CELLS  # densities are seen through a Gaussian as wide as a cell
SAMPLES = 5000  # of G and of the VAE, for densities; modes are counted on the first 2,500
COUNTED = 2500
SHOWN = 400  # samples drawn as dots
ARROWS = 48
COMPANIONS = 15  # a D that judges batches judges each point among so many generated ones
MESH = 21  # lines of the warped grid
CODES = 48  # posteriors drawn as ellipses
VAE_STD = 0.1  # of the VAE's p(x | z)
CELL = divergences.cell_centres(EXTENT, CELLS)[2]

ARRAYS = (
    "real",
    "noise",
    "generated",
    "surface",
    "optimum",
    "arrows",
    "manifold",
    "vae_samples",
    "vae_mean",
    "vae_manifold",
    "vae_ellipses",
    "vae_reconstructions",
    "per_mode",
    "vae_per_mode",
)
vae_loss = functools.partial(
    losses.vae_loss, log_likelihood=functools.partial(losses.gaussian_log_likelihood, std=VAE_STD)
)


class Props(NamedTuple):
    """What stays the same during a run, so that pictures move smoothly. All drawn from the seed.

    Attributes:
      real: data points, (SAMPLES, 2).
      noise: for G, (SAMPLES, z_dim).
      codes: for the VAE's decoder, (SAMPLES, 2).
      jitter: the noise of its p(x | z), times VAE_STD, (SAMPLES, 2).
      mesh: a grid of noise that is spread evenly over its probability, (MESH, MESH, z_dim).
      code_mesh: the same for the VAE, (MESH, MESH, 2).
      density: the blurred data on the cells, (CELLS, CELLS).
      mixture: the data.
    """

    real: Any
    noise: Any
    codes: Any
    jitter: Any
    mesh: Any
    code_mesh: Any
    density: Any
    mixture: Any


@functools.partial(jax.jit, static_argnames="z_dim")
def props(mixture: Any, points: jax.Array, key: jax.Array, z_dim: int, categories: int) -> Props:
    """A stage's Props, from the mixture and at least SAMPLES of its points.

    The grid of noise runs over the first two numbers that are not a category's.
    """
    # all noise in one draw, since each draw costs a third of a second to compile
    noise = jax.random.normal(key, (SAMPLES, z_dim + 4), points.dtype)
    codes, jitter = jnp.split(noise[:, z_dim:], 2, axis=1)
    quantiles = jax.scipy.special.ndtri((jnp.arange(MESH, dtype=jnp.float32) + 0.5) / MESH)
    square = jnp.stack(jnp.meshgrid(quantiles, quantiles), axis=-1)  # (MESH, MESH, 2)
    free = jnp.arange(z_dim)[None] == categories + jnp.arange(2)[:, None]  # (2, z_dim)
    wide = divergences.blurred(mixture, KERNEL_WIDTH)
    x, y, _ = divergences.cell_centres(EXTENT, CELLS)
    return Props(
        real=points[:SAMPLES],
        noise=noise[:, :z_dim],
        codes=codes,
        jitter=VAE_STD * jitter,
        mesh=square @ free.astype(jnp.float32),
        code_mesh=square,
        density=divergences.density_on_grid(wide, x, y),
        mixture=mixture,
    )


def among(discriminator: Any, x: jax.Array, companions: jax.Array) -> jax.Array:
    """D's logit at each row of x: beside generated companions if D judges packs or batches, else alone.

    Args:
      discriminator: models.Discriminator.
      x: (n, 2).
      companions: (COMPANIONS, 2); in a pack of two the first of them is the partner.

    Returns:
      (n,).
    """
    if discriminator.packing == 1 and not discriminator.minibatch_std:
        return discriminator(x)
    return jax.vmap(lambda point: discriminator(jnp.concatenate([point[None], companions]))[0])(x)


@functools.partial(jax.jit, static_argnames="loss")
def surface(generator: Any, discriminator: Any, props: Any, loss: Any) -> jax.Array:
    """D's output at the middle of each cell, (CELLS, CELLS), the lowest row first."""
    x, y, _ = divergences.cell_centres(EXTENT, CELLS)
    companions = whole(generator)(props.noise[:COMPANIONS])
    logits = among(whole(discriminator), divergences.grid_points(x, y), companions)
    return loss.output(logits).reshape(CELLS, CELLS)


def sample_gradients(loss: Any, discriminator: Any, generated: jax.Array, real: jax.Array) -> jax.Array:
    """The gradient of G's loss at each generated sample, times the batch size, (n, 2)."""

    def objective(x):
        logits = (discriminator(real), discriminator(x)) if loss.paired else (discriminator(x),)
        return len(x) * loss.generator(*logits)

    return jax.grad(objective)(generated)


@functools.partial(jax.jit, static_argnames="loss")
def arrows(generator: Any, discriminator: Any, props: Any, loss: Any) -> jax.Array:
    """Generated samples and where each is pulled, minus the gradient of G's loss there: (ARROWS, 2, 2)."""
    generated, real = whole(generator)(props.noise[:ARROWS]), props.real[:ARROWS]
    pull = -sample_gradients(loss, whole(discriminator), generated, real)
    return jnp.stack([generated, pull], axis=1)


@jax.jit
def generated(generator: Any, props: Any) -> jax.Array:
    """(SHOWN, 2)."""
    return whole(generator)(props.noise[:SHOWN])


def shown_noise(noise: np.ndarray, generator: Any) -> np.ndarray:
    """The first two numbers of noise (n, z_dim) that are not a category's, as G takes them, (n, 2): 0 for a
    second number that is not there."""
    noise = noise[:, generator.categories :][:, :2]
    if getattr(generator, "uniform", False):
        noise = 2 * jax.device_get(jax.scipy.stats.norm.cdf(noise)) - 1
    return np.pad(noise, ((0, 0), (0, 2 - noise.shape[1])))


@jax.jit
def manifold(generator: Any, props: Any) -> jax.Array:
    """The grid of noise as G warps it, (MESH, MESH, 2). Its lines run at even steps of probability."""
    return whole(generator)(props.mesh.reshape(MESH * MESH, -1)).reshape(MESH, MESH, 2)


@jax.jit
def optimum(generator: Any, props: Any) -> jax.Array:
    """The best D against this generator, p / (p + q), on the cells of `surface`."""
    x, y, _ = divergences.cell_centres(EXTENT, CELLS)
    q = divergences.kernel_density_on_grid(whole(generator)(props.noise), x, y, KERNEL_WIDTH)
    return divergences.best_discriminator(props.density, q)


@jax.jit
def vae_pictures(vae: Any, props: Any) -> dict[str, jax.Array]:
    """Everything drawn of the VAE: its samples, their means, the warped grid, posteriors and
    reconstructions."""
    vae = whole(vae)
    mean = vae.decode(props.codes[:SHOWN])
    code_mean, logvar = vae.encode(props.real[:CODES])
    return {
        "vae_samples": mean + props.jitter[:SHOWN],
        "vae_mean": mean,
        "vae_manifold": vae.decode(props.code_mesh.reshape(-1, 2)).reshape(MESH, MESH, 2),
        "vae_ellipses": jnp.stack([code_mean, jnp.exp(0.5 * logvar)], axis=1),
        "vae_reconstructions": jnp.stack([props.real[:CODES], vae.decode(code_mean)], axis=1),
    }


def count(samples: jax.Array, mixture: Any) -> Any:
    """High-quality samples at each mode, (modes,), and their share, by the protocol of
    `metrics.modes_covered`."""
    distance = jnp.sqrt(jnp.sum((samples[:, None] - mixture.means[None]) ** 2, axis=-1)) / mixture.stds[None]
    good = distance.min(axis=1) <= 3
    return jnp.zeros(len(mixture.means), int).at[distance.argmin(axis=1)].add(good.astype(int)), good.mean()


@jax.jit
def per_mode(model: Any, noise: jax.Array, mixture: Any) -> jax.Array:
    """How many of COUNTED samples (for the VAE: of its decoder's means) are of high quality at each mode,
    (modes,)."""
    return count(whole(model).decode(noise[:COUNTED]), mixture)[0]


@jax.jit
def measure_samples(samples: jax.Array, centres: jax.Array, props: Any) -> dict[str, jax.Array]:
    """Modes by the protocol of `metrics.modes_covered`, and both divergences.

    Args:
      samples: (SAMPLES, 2) of the model.
      centres: (COUNTED, 2), on which modes are counted: the samples themselves, or the means of the VAE's
        decoder.
      props: Props.

    Returns:
      Dictionary of "modes", "quality", "kl" and "js" in nats.
    """
    per_mode, quality = count(centres, props.mixture)
    x, y, cell = divergences.cell_centres(EXTENT, CELLS)
    q = divergences.kernel_density_on_grid(samples, x, y, KERNEL_WIDTH)
    return {
        "modes": jnp.sum(per_mode > 0),
        "quality": quality,
        "kl": divergences.kl(props.density, q, cell, len(samples)),
        "js": divergences.jensen_shannon(props.density, q, cell),
    }


@jax.jit
def measure(generator: Any, vae: Any, props: Any) -> dict[str, jax.Array]:
    """`measure_samples` of G, and of the VAE under names that begin with "vae_"."""
    samples, means = whole(generator)(props.noise), whole(vae).decode(props.codes)
    of_gan = measure_samples(samples, samples[:COUNTED], props)
    of_vae = measure_samples(means + props.jitter, means[:COUNTED], props)
    return of_gan | {f"vae_{name}": value for name, value in of_vae.items()}


def view(gan: Any, vae: Any, props: Props, loss: Any, wanted: Collection[str]) -> dict[str, jax.Array]:
    """The wanted of ARRAYS, as `Stage.view` describes them, in NumPy."""
    makers = {
        "generated": lambda: generated(gan.averaged, props),
        "surface": lambda: surface(gan.averaged, gan.discriminator, props, loss),
        "optimum": lambda: optimum(gan.averaged, props),
        "arrows": lambda: arrows(gan.averaged, gan.discriminator, props, loss),
        "manifold": lambda: manifold(gan.averaged, props),
        "per_mode": lambda: per_mode(gan.averaged, props.noise, props.mixture),
        "vae_per_mode": lambda: per_mode(vae, props.codes, props.mixture),
    }
    shown = {name: make() for name, make in makers.items() if name in wanted}
    if set(wanted) & {"vae_samples", "vae_mean", "vae_manifold", "vae_ellipses", "vae_reconstructions"}:
        shown |= {name: array for name, array in vae_pictures(vae, props).items() if name in wanted}
    shown = jax.device_get(shown)
    if "real" in wanted:
        shown["real"] = np.asarray(props.real[:SHOWN])
    if "noise" in wanted:
        shown["noise"] = shown_noise(np.asarray(props.noise[:SHOWN]), whole(gan.generator))
    return shown | {"extent": EXTENT}
