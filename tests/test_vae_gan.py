"""The VAE/GAN: its losses against closed forms, who gets which gradient, and runs that repeat to the bit."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vaegan_helpers import losses, models, training

BATCH = 16
SHORT = {"steps": 12, "batch_size": BATCH, "chunks": 12, "progress": False}
WEIGHTS = losses.VaeGanWeights(beta=0.7, gamma=0.3, adversarial=2.0, std=0.5)


@pytest.fixture(scope="module")
def vae():
    return models.VAE(12, 8, 3, key=jax.random.key(0))


@pytest.fixture(scope="module")
def discriminator():
    network = models.Discriminator(12, 8, dropout=0.3, key=jax.random.key(1))
    network.network.activation = jnp.tanh  # smooth, so that no finite difference steps over a kink
    return network


@pytest.fixture(scope="module")
def x():
    return jax.random.uniform(jax.random.key(2), (BATCH, 12))


@pytest.fixture(scope="module")
def points():
    return jax.random.uniform(jax.random.key(3), (200, 12))


def loss_key():
    return jax.random.key(4)


def leaves(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model)]


def same_bits(a, b):
    return all(np.array_equal(one, other) for one, other in zip(leaves(a), leaves(b), strict=True))


def largest(gradients):
    return max(np.abs(leaf).max() for leaf in leaves(gradients))


def only(**weights):
    """All weights 0 but those given."""
    return losses.VaeGanWeights(**{"beta": 0.0, "gamma": 0.0, "adversarial": 0.0, "std": 0.5} | weights)


def vae_gradients(vae, discriminator, x, weights, **options):
    return jax.grad(losses.vae_gan_loss, has_aux=True)(vae, discriminator, x, loss_key(), weights, **options)[
        0
    ]


# --- the reconstruction in D's features


@pytest.mark.parametrize("layer", [None, 1, 2])
def test_feature_error_is_the_gaussian_likelihood_of_ds_features_up_to_its_constant(discriminator, x, layer):
    x_hat, std = x[::-1] ** 2, 0.3
    features, guess = (discriminator.features(pictures, layer=layer) for pictures in (x, x_hat))
    constant = 8 * (np.log(std) + 0.5 * np.log(2 * np.pi))
    np.testing.assert_allclose(
        losses.feature_error(discriminator, x_hat, x, std, layer),
        -losses.gaussian_log_likelihood(guess, features, std) - constant,
        rtol=1e-4,
        atol=1e-5,
    )


def test_feature_error_is_zero_for_the_original_and_only_for_what_d_cannot_tell_apart(discriminator, x):
    assert (losses.feature_error(discriminator, x, x, 0.1) == 0).all()
    assert (losses.feature_error(discriminator, x.at[:, 3].add(0.1), x, 0.1) > 0).all()
    blind = models.Discriminator(12, 8, key=jax.random.key(5))
    kernel = blind.network.layers[0].kernel
    kernel[...] = kernel[...].at[3].set(0.0)  # this D does not look at pixel 3
    assert (losses.feature_error(blind, x.at[:, 3].set(0.0), x, 0.1) == 0).all()


def test_half_the_standard_deviation_counts_four_times(discriminator, x):
    wide, narrow = (losses.feature_error(discriminator, x[::-1], x, std) for std in (0.4, 0.2))
    np.testing.assert_allclose(narrow, 4 * wide, rtol=1e-5)


# --- the sum that encoder and decoder minimise


def plain_terms(vae, discriminator, x, decoder=None):
    """KL, reconstruction and adversarial loss, written without any stop."""
    decoder = vae.decoder if decoder is None else decoder
    latent_key, prior_key, dropout_key = jax.random.split(loss_key(), 3)
    mean, logvar = vae.encode(x)
    z = mean + jnp.exp(logvar / 2) * jax.random.normal(latent_key, mean.shape)
    x_hat, sampled = (
        jax.nn.sigmoid(decoder(latents)) for latents in (z, jax.random.normal(prior_key, z.shape))
    )
    kl = 0.5 * jnp.sum(mean**2 + jnp.exp(logvar) - 1 - logvar, axis=1).mean()
    apart = discriminator.features(x) - discriminator.features(x_hat)
    probabilities = jax.nn.sigmoid(discriminator(jnp.concatenate([x_hat, sampled]), dropout_key))
    return kl, 0.5 * jnp.sum((apart / WEIGHTS.std) ** 2, axis=1).mean(), -jnp.log(probabilities).mean()


def test_the_parts_are_their_formulas_and_the_sum_weighs_them(vae, discriminator, x):
    loss, parts = losses.vae_gan_loss(vae, discriminator, x, loss_key(), WEIGHTS)
    kl, reconstruction, adversarial = plain_terms(vae, discriminator, x)
    np.testing.assert_allclose(
        [parts["kl"], parts["reconstruction"], parts["adversarial_loss"]],
        [kl, reconstruction, adversarial],
        rtol=1e-5,
    )
    np.testing.assert_allclose(loss, 0.7 * kl + (1 + 0.3) * reconstruction + 2.0 * adversarial, rtol=1e-5)


def test_each_player_gets_the_gradient_of_its_own_loss(vae, discriminator, x):
    def encoder_loss(encoder):
        part = jax.tree.map(lambda leaf: leaf, vae)
        part.encoder = encoder
        kl, reconstruction, _ = plain_terms(part, discriminator, x)
        return WEIGHTS.beta * kl + reconstruction

    def decoder_loss(decoder):
        _, reconstruction, adversarial = plain_terms(vae, discriminator, x, decoder)
        return WEIGHTS.gamma * reconstruction + WEIGHTS.adversarial * adversarial

    gradients = vae_gradients(vae, discriminator, x, WEIGHTS)
    wanted_of = {
        "encoder": jax.grad(encoder_loss)(vae.encoder),
        "decoder": jax.grad(decoder_loss)(vae.decoder),
    }
    for name, wanted in wanted_of.items():
        for ours, plain in zip(leaves(getattr(gradients, name)), leaves(wanted), strict=True):
            np.testing.assert_allclose(ours, plain, rtol=1e-3, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    "part, weights, changed",
    [
        ("encoder", {"gamma": 0.3}, False),  # gamma is for the decoder alone
        ("encoder", {"adversarial": 2.0}, False),  # the GAN's term does not reach the encoder
        ("encoder", {"beta": 0.7}, True),
        ("encoder", {"std": 0.2}, True),
        ("decoder", {"beta": 0.7}, False),  # the KL term knows no decoder
        ("decoder", {"gamma": 0.3}, True),
        ("decoder", {"adversarial": 2.0}, True),
    ],
)
def test_which_weight_moves_which_player(vae, discriminator, x, part, weights, changed):
    base = getattr(vae_gradients(vae, discriminator, x, only()), part)
    moved = getattr(vae_gradients(vae, discriminator, x, only(**weights)), part)
    assert same_bits(base, moved) != changed


def test_the_reconstruction_reaches_the_encoder_fully_and_the_decoder_by_gamma_alone(vae, discriminator, x):
    gradients = vae_gradients(vae, discriminator, x, only())
    assert largest(gradients.encoder) > 1e-4 and largest(gradients.decoder) == 0


@pytest.mark.parametrize("measure", ["features", "pixels"])
def test_what_encoder_and_decoder_minimise_leaves_d_alone(vae, discriminator, x, measure):
    def loss(discriminator):
        return losses.vae_gan_loss(vae, discriminator, x, loss_key(), WEIGHTS, measure=measure)[0]

    assert largest(jax.grad(loss)(discriminator)) == 0


def test_the_gradient_is_the_slope_of_the_loss(vae, discriminator, x):
    """Along one direction of the decoder's last bias: the sum is gamma times one term plus the other."""
    weights, size = losses.VaeGanWeights(beta=0.0, gamma=0.3, adversarial=2.0, std=0.5), 1e-2
    direction = jnp.cos(jnp.arange(12.0))

    def loss_at(shift):
        part = jax.tree.map(lambda leaf: leaf, vae)
        bias = part.decoder.network.layers[-1].bias
        bias[...] = bias[...] + shift * direction
        _, reconstruction, adversarial = plain_terms(part, discriminator, x)
        return weights.gamma * reconstruction + weights.adversarial * adversarial

    slope = (loss_at(size) - loss_at(-size)) / (2 * size)
    gradient = vae_gradients(vae, discriminator, x, weights).decoder.network.layers[-1].bias[...]
    np.testing.assert_allclose(gradient @ direction, slope, rtol=1e-2)


def test_pixels_as_measure_are_the_vaes_own_reconstruction_and_d_plays_no_part(vae, discriminator, x):
    _, parts = losses.vae_gan_loss(vae, discriminator, x, loss_key(), WEIGHTS, measure="pixels")
    latent_key, _, _ = jax.random.split(loss_key(), 3)
    z = losses.reparameterise(*vae.encode(x), latent_key)
    expected = -losses.bernoulli_log_likelihood(vae.decoder(z), x).mean()
    np.testing.assert_allclose(parts["reconstruction"], expected, rtol=1e-6)
    other = models.Discriminator(12, 8, key=jax.random.key(9))
    weights = only(gamma=1.0, beta=1.0)
    assert same_bits(
        vae_gradients(vae, discriminator, x, weights, measure="pixels"),
        vae_gradients(vae, other, x, weights, measure="pixels"),
    )


# --- D's loss


def test_ds_loss_is_the_game_against_reconstructions_and_samples(vae, discriminator, x):
    loss, parts = losses.vae_gan_discriminator_loss(discriminator, vae, x, loss_key())
    latent_key, prior_key, real_key, fake_key = jax.random.split(loss_key(), 4)
    z = losses.reparameterise(*vae.encode(x), latent_key)
    fake = vae.decode(jnp.concatenate([z, jax.random.normal(prior_key, z.shape)]))
    real, fake = jax.nn.sigmoid(discriminator(x, real_key)), jax.nn.sigmoid(discriminator(fake, fake_key))
    np.testing.assert_allclose(loss, -jnp.log(real).mean() - jnp.log(1 - fake).mean(), rtol=1e-5)
    np.testing.assert_allclose(
        [parts["reconstructed_output"], parts["sampled_output"]],
        [fake[:BATCH].mean(), fake[BATCH:].mean()],
        rtol=1e-5,
    )


def test_a_d_that_guesses_pays_two_log_two(vae, discriminator, x):
    guessing = jax.tree.map(jnp.zeros_like, discriminator)
    loss, _ = losses.vae_gan_discriminator_loss(guessing, vae, x, loss_key())
    np.testing.assert_allclose(loss, 2 * np.log(2), rtol=1e-6)


def test_ds_loss_reaches_neither_encoder_nor_decoder(vae, discriminator, x):
    gradients = jax.grad(lambda vae: losses.vae_gan_discriminator_loss(discriminator, vae, x, loss_key())[0])(
        vae
    )
    assert largest(gradients) == 0
    gradients = jax.grad(lambda d: losses.vae_gan_discriminator_loss(d, vae, x, loss_key())[0])(discriminator)
    assert largest(gradients) > 1e-4


# --- runs


@pytest.fixture(scope="module")
def short_run(vae, discriminator, points):
    return training.fit_vae_gan(vae, discriminator, points, jax.random.key(6), weights=WEIGHTS, **SHORT)


def test_the_same_key_gives_the_same_bits_however_the_run_is_cut(vae, discriminator, points, short_run):
    for chunks in (12, 3, 1):
        again = training.fit_vae_gan(
            vae, discriminator, points, jax.random.key(6), weights=WEIGHTS, **SHORT | {"chunks": chunks}
        )
        assert same_bits(again[:2], short_run[:2])
        for name, values in short_run[2].items():
            np.testing.assert_array_equal(again[2][name], values, err_msg=name)
    other = training.fit_vae_gan(vae, discriminator, points, jax.random.key(7), weights=WEIGHTS, **SHORT)
    assert not same_bits(other[:2], short_run[:2])


def test_the_first_step_is_adam_on_both_losses_in_turn(vae, discriminator, points):
    key, settings = jax.random.key(6), SHORT | {"steps": 1, "chunks": 1}
    fitted, d, _ = training.fit_vae_gan(
        vae, discriminator, points, key, weights=WEIGHTS, penalty_weight=0.0, averaging=0.0, **settings
    )
    keys = jax.random.split(jax.random.fold_in(jax.random.key(6), 0), 4)
    x, x_again = (points[jax.random.randint(k, (BATCH,), 0, len(points))] for k in keys[:2])
    optimizer = optax.adam(1e-3, b1=0.5)

    def moved(player, gradients):
        return optax.apply_updates(player, optimizer.update(gradients, optimizer.init(player))[0])

    game_key, _ = jax.random.split(keys[2])
    d_gradient = jax.grad(lambda d: losses.vae_gan_discriminator_loss(d, vae, x, game_key)[0])(discriminator)
    our_d = moved(discriminator, d_gradient)
    ours = moved(
        vae, jax.grad(lambda vae: losses.vae_gan_loss(vae, our_d, x_again, keys[3], WEIGHTS)[0])(vae)
    )
    for wanted, came in zip(leaves((ours, our_d)), leaves((fitted, d)), strict=True):
        np.testing.assert_allclose(came, wanted, atol=2e-5)
    assert not same_bits(fitted.encoder, vae.encoder) and not same_bits(fitted.decoder, vae.decoder)


def test_the_returned_vae_has_the_moving_average_of_its_weights(vae, discriminator, points):
    settings = SHORT | {"steps": 1, "chunks": 1, "weights": WEIGHTS}
    last, averaged = (
        training.fit_vae_gan(vae, discriminator, points, jax.random.key(6), averaging=averaging, **settings)[
            0
        ]
        for averaging in (0.0, 0.9)
    )
    for before, after, ours in zip(leaves(vae), leaves(last), leaves(averaged), strict=True):
        np.testing.assert_allclose(
            ours, 0.1 * before + 0.9 * after, atol=1e-6
        )  # the decay of step 0 is 1 / 10


def test_the_penalty_holds_d_flat_on_real_data(vae, discriminator, points):
    free, held = (
        training.fit_vae_gan(
            vae,
            discriminator,
            points,
            jax.random.key(6),
            penalty_weight=weight,
            **SHORT | {"steps": 60, "learning_rate": 1e-2},
        )[2]["penalty"]
        for weight in (0.0, 50.0)
    )
    assert held[-10:].mean() < 0.5 * free[-10:].mean()


def test_the_history_has_one_entry_for_each_step(short_run):
    assert set(short_run[2]) == {
        "discriminator_loss",
        "penalty",
        "real_output",
        "reconstructed_output",
        "sampled_output",
        "kl",
        "reconstruction",
        "adversarial_loss",
    }
    assert all(values.shape == (12,) and np.isfinite(values).all() for values in short_run[2].values())


def test_new_weights_and_rates_compile_nothing(vae, discriminator, points):
    training.fit_vae_gan(vae, discriminator, points, jax.random.key(6), weights=WEIGHTS, **SHORT)
    compiled = training.vae_gan_steps._cache_size()
    training.fit_vae_gan(
        vae,
        discriminator,
        points,
        jax.random.key(6),
        weights=losses.VaeGanWeights(2, 0, 1, 3),
        learning_rate=3e-3,
        penalty_weight=1,
        momentum=0,
        averaging=0,
        final_rate=1,
        **SHORT,
    )
    assert training.vae_gan_steps._cache_size() == compiled


def test_training_brings_reconstructions_nearer_in_ds_own_features(vae, points):
    d = models.Discriminator(12, 8, dropout=0.3, key=jax.random.key(1))
    two = jnp.where(points[:, :1] > 0.5, 0.9, 0.1) * jnp.ones((1, 12))  # two kinds of pictures
    fitted, last, _ = training.fit_vae_gan(
        vae,
        d,
        two,
        jax.random.key(8),
        weights=losses.VaeGanWeights(std=0.1),
        steps=300,
        batch_size=64,
        learning_rate=5e-3,
        progress=False,
    )
    before, after = (
        losses.feature_error(last, model.decode(model.encode(two)[0]), two, 0.1).mean()
        for model in (vae, fitted)
    )
    assert after < 0.3 * before


def test_a_run_that_blows_up_says_so_and_keeps_the_last_good_players(vae, discriminator, points):
    with pytest.raises(training.Diverged, match="not finite at step") as caught:
        training.fit_vae_gan(vae, discriminator, points, jax.random.key(6), learning_rate=1e30, **SHORT)
    assert isinstance(caught.value.models, training.VaeGanState)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"data": jnp.zeros((20, 11))}, r"data must be an array of shape \(n, 12\); got \(20, 11\)"),
        ({"data": jnp.zeros(12)}, r"data must be .* got \(12,\)"),
        ({"data": jnp.full((20, 12), jnp.nan)}, "NaN or infinity in 20 of 20 rows"),
        ({"data": jnp.full((20, 12), 2.0)}, r"data must lie in \[0, 1\]; got values from 2 to 2"),
        ({"key": 0}, "one key from jax.random.key"),
        ({"steps": 0}, "steps must be a whole number of at least 1; got 0"),
        ({"batch_size": 500}, "batch_size must be at most the 200 examples; got 500"),
        ({"chunks": 0}, "chunks must be a whole number"),
        ({"learning_rate": 0.0}, "learning_rate must be a positive number; got 0.0"),
        ({"final_rate": 1.5}, "final_rate must be above 0 and at most 1; got 1.5"),
        ({"averaging": 1.0}, "averaging must be at least 0 and below 1; got 1.0"),
        ({"momentum": -0.1}, "momentum must be at least 0 and below 1; got -0.1"),
        ({"penalty_weight": -1.0}, "penalty_weight must be a number of at least 0; got -1.0"),
        ({"weights": losses.VaeGanWeights(std=0.0)}, "std must be a positive number; got 0.0"),
        ({"weights": losses.VaeGanWeights(gamma=-1.0)}, "gamma must be a number of at least 0; got -1.0"),
        ({"weights": losses.VaeGanWeights(beta=np.nan)}, "beta must be a number of at least 0; got nan"),
        ({"measure": "eyes"}, "measure must be one of features, pixels; got 'eyes'"),
        ({"layer": 3}, "layer must be a whole number from 1 to 2; got 3"),
    ],
)
def test_bad_input_is_named(vae, discriminator, points, change, message):
    arguments = {"data": points, "key": jax.random.key(6)} | SHORT | change
    with pytest.raises(ValueError, match=message):
        training.fit_vae_gan(vae, discriminator, **arguments)


def test_players_of_two_widths_are_refused(vae, points):
    with pytest.raises(ValueError, match=r"a VAE of \(n, 12\) and a discriminator of \(n, 11\)"):
        training.fit_vae_gan(
            vae, models.Discriminator(11, 8, key=jax.random.key(1)), points, jax.random.key(6), **SHORT
        )


def test_losses_refuse_what_does_not_fit(vae, discriminator, x):
    with pytest.raises(ValueError, match="measure must be"):
        losses.vae_gan_loss(vae, discriminator, x, loss_key(), WEIGHTS, measure="eyes")
    with pytest.raises(ValueError, match="one shape"):
        losses.feature_error(discriminator, x[:3], x, 0.1)
    with pytest.raises(ValueError, match="std must be a positive number; got 0"):
        losses.feature_error(discriminator, x, x, 0)
