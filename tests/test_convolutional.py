"""Convolutional models: the convolution is that of XLA, and they train as the dense models do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vaegan_helpers import convolutional, data, losses, training

SMALL = {"z_dim": 3, "channels": 2}


def key(seed=0):
    return jax.random.key(seed)  # a new one each time: none is used twice


def by_xla(convolution, x):
    """The same convolution by XLA itself."""
    kernel = convolution.linear.kernel[...].reshape(3, 3, x.shape[-1], -1)
    made = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return made + convolution.linear.bias[...][None, None, None]


@pytest.mark.parametrize("height, width, inputs, outputs", [(5, 5, 1, 1), (4, 7, 3, 2), (1, 1, 2, 5)])
def test_a_convolution_is_that_of_xla_and_so_is_its_gradient(height, width, inputs, outputs):
    convolution = convolutional.Convolution(inputs, outputs, key=key())
    x = jax.random.normal(key(1), (2, height, width, inputs))
    np.testing.assert_allclose(convolution(x), by_xla(convolution, x), atol=1e-5)
    ours, theirs = (
        jax.grad(lambda both, f=f: jnp.sum(jnp.sin(f(*both))))((convolution, x))
        for f in (lambda c, x: c(x), by_xla)
    )
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_double_undoes_halve_and_neighbours_stay_neighbours():
    x = jnp.arange(2 * 4 * 6 * 3.0).reshape(2, 4, 6, 3)
    halved = convolutional.halve(x)
    assert halved.shape == (2, 2, 3, 12)
    np.testing.assert_array_equal(convolutional.double(halved), x)
    np.testing.assert_array_equal(halved[0, 1, 2].reshape(2, 2, 3), x[0, 2:4, 4:6])


def test_decoder_and_generator_are_one_network():
    vae, generator = convolutional.VAE(**SMALL, key=key()), convolutional.Generator(**SMALL, key=key())
    shapes = [[leaf.shape for leaf in jax.tree.leaves(part)] for part in (vae.decoder, generator)]
    assert shapes[0] == shapes[1]
    z = jax.random.normal(key(3), (5, 3))
    assert vae.decode(z).shape == generator(z).shape == generator.decode(z).shape == (5, 784)
    assert all(part.shape == (5, 3) for part in vae.encode(vae.decode(z)))
    np.testing.assert_allclose(jax.nn.sigmoid(generator.network(z)), generator(z), rtol=1e-6)


def test_a_picture_is_judged_alone():
    discriminator = convolutional.Discriminator(2, key=key())
    x = jax.random.uniform(key(3), (4, 784))
    np.testing.assert_allclose(discriminator(x)[1:2], discriminator(x[1:2]), atol=1e-5)


def test_the_edges_of_a_picture_count():
    d = convolutional.Discriminator(2, key=key())
    slopes = jax.grad(lambda x: d(x)[0])(jax.random.uniform(key(3), (1, 784)))[0].reshape(28, 28)
    assert (slopes != 0).mean() > 0.9 and (slopes[[0, 0, -1, -1], [0, -1, 0, -1]] != 0).all()


def test_they_train_as_the_dense_models_do():
    digits = data.load_mnist().train_images[:256]
    keys = jax.random.split(key(), 4)
    vae = convolutional.VAE(**SMALL, key=keys[0])
    run = {"batch_size": 16, "progress": False}
    _, history = training.fit_vae(vae, digits, keys[1], steps=30, learning_rate=1e-2, **run)
    assert history["loss"][-5:].mean() < 0.8 * history["loss"][:5].mean()
    players = (
        convolutional.Generator(**SMALL, key=keys[2]),
        convolutional.Discriminator(2, key=keys[3]),
    )
    generator, discriminator, history = training.fit_gan(
        *players, digits, key(4), steps=10, snapshots=1, **run
    )
    assert np.isfinite(history["penalty"]).all()
    assert not np.array_equal(generator.network.fine.linear.kernel, players[0].network.fine.linear.kernel)
    real = jnp.asarray(digits[:4])
    slopes = jax.vmap(jax.grad(lambda x: discriminator(x[None])[0]))(real)
    assert losses.r1_penalty(discriminator, real) == pytest.approx(
        float(0.5 * (slopes**2).sum(1).mean()), rel=1e-4
    )


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: convolutional.VAE(0, 2, key=key()), "z_dim"),
        (lambda: convolutional.Generator(3, 0, key=key()), "channels"),
        (lambda: convolutional.Discriminator(2.5, key=key()), "channels"),
        (lambda: convolutional.Generator(key=0), "key"),
        (
            lambda: convolutional.Generator(**SMALL, key=key())(np.zeros((2, 4))),
            r"\(batch, 3\); got \(2, 4\)",
        ),
        (
            lambda: convolutional.VAE(**SMALL, key=key()).encode(np.zeros(784)),
            r"\(batch, 784\); got \(784,\)",
        ),
        (lambda: convolutional.Discriminator(2, key=key())(np.zeros((2, 28, 28))), "784"),
    ],
)
def test_bad_input_says_what_came_and_what_was_wanted(call, words):
    with pytest.raises(ValueError, match=words):
        call()
