"""Training of the VAE: the scan against a plain loop, chunks, keys, recompilation, NaN, interruption, bad
input.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from vaegan_helpers import losses, models, training
from vaegan_helpers.training import loop

X_DIM, STEPS, BATCH, RATE, BETA = 12, 20, 8, 5e-3, 0.7


@pytest.fixture(scope="module")
def pixels():
    """64 pictures of 12 pixels that two hidden causes switch on and off."""
    causes = np.random.default_rng(0).integers(0, 2, (64, 2)).repeat(6, axis=1)
    return np.float32(0.1 + 0.8 * causes)


@pytest.fixture(scope="module")
def vae():
    return models.VAE(X_DIM, 8, 2, 1, key=jax.random.key(0))


def fit(model, data, seed=1, **changes):
    settings = dict(
        steps=STEPS,
        batch_size=BATCH,
        learning_rate=RATE,
        beta=BETA,
        held_out=data[:16],
        chunks=4,
        progress=False,
    )
    return training.fit_vae(model, data, jax.random.key(seed), **settings | changes)


@pytest.fixture(scope="module")
def run(vae, pixels):
    """The run that most tests look at, trained once."""
    return fit(vae, pixels)


def leaves(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model)]


def same_bits(first, second):
    return all(np.array_equal(a, b) for a, b in zip(leaves(first), leaves(second), strict=True))


# What a run computes


def test_the_scan_equals_a_loop_with_nnx_optimizer(vae, pixels, run):
    """The same batches and noise, drawn here by the rule that fit_vae documents, in the loop other tutorials
    write.

    Equal to float32's rounding only: the compiler may sum in another order inside a scan.
    """
    model = nnx.clone(vae)
    optimizer = nnx.Optimizer(model, optax.adam(RATE), wrt=nnx.Param)

    @nnx.jit
    def train_step(model, optimizer, batch, key):
        (loss, _), gradients = nnx.value_and_grad(losses.vae_loss, has_aux=True)(model, batch, key, BETA)
        optimizer.update(model, gradients)
        return loss

    steps_key, held_out_key = jax.random.split(jax.random.key(1))
    by_loop = []
    for i in range(STEPS):
        batch_key, noise_key = jax.random.split(jax.random.fold_in(steps_key, i))
        batch = pixels[jax.random.randint(batch_key, (BATCH,), 0, len(pixels))]
        by_loop.append(float(train_step(model, optimizer, jnp.asarray(batch), noise_key)))

    trained, history = run
    np.testing.assert_allclose(history["loss"], by_loop, rtol=1e-5)
    for ours, theirs in zip(leaves(trained), leaves(model), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    held_out = losses.vae_loss(model, jnp.asarray(pixels[:16]), held_out_key, BETA)[0]
    np.testing.assert_allclose(history["held_out_loss"][-1], held_out, rtol=1e-5)


def test_training_lowers_the_loss(vae, pixels):
    _, history = fit(vae, pixels, steps=400, chunks=80)
    assert history["loss"][-50:].mean() < 0.9 * history["loss"][:10].mean()
    assert history["held_out_loss"][-1] < 0.9 * history["held_out_loss"][0]


def test_the_history_holds_every_part_of_the_loss(run):
    _, history = run
    assert set(history) == {
        "loss",
        "reconstruction",
        "kl",
        "held_out_loss",
        "held_out_reconstruction",
        "held_out_kl",
        "held_out_step",
    }
    assert all(isinstance(values, np.ndarray) for values in history.values())
    assert all(history[name].shape == (STEPS,) for name in ("loss", "reconstruction", "kl"))
    assert all(history[f"held_out_{name}"].shape == (4,) for name in ("loss", "reconstruction", "kl"))
    assert history["held_out_step"].tolist() == [5, 10, 15, 20]
    for prefix in ("", "held_out_"):
        np.testing.assert_allclose(
            history[prefix + "loss"],
            history[prefix + "reconstruction"] + BETA * history[prefix + "kl"],
            rtol=1e-5,
        )


def test_held_out_data_are_recorded_and_change_nothing_else(vae, pixels, run):
    model, history = fit(vae, pixels, held_out=None)
    assert set(history) == {"loss", "reconstruction", "kl"}
    assert np.array_equal(history["loss"], run[1]["loss"]) and same_bits(model, run[0])
    fewer = fit(vae, pixels, held_out=pixels[:3])[1]
    assert np.array_equal(fewer["loss"], run[1]["loss"])
    assert not np.allclose(fewer["held_out_loss"], run[1]["held_out_loss"])


def test_snapshots_lead_from_the_untrained_to_the_trained_model(vae, pixels, run):
    model, history = fit(vae, pixels, snapshots=4)
    assert same_bits(model, run[0])
    np.testing.assert_array_equal(history["snapshot_step"], len(history["loss"]) // 4 * np.arange(5))
    for i, expected in [(0, vae), (-1, model)]:
        assert same_bits(jax.tree.map(lambda weights, i=i: weights[i], history["snapshots"]), expected)
    assert "snapshots" not in run[1]


def test_the_model_that_came_in_is_not_changed(vae, pixels):
    before = leaves(vae)
    trained, _ = fit(vae, pixels)
    assert all(np.array_equal(a, b) for a, b in zip(before, leaves(vae), strict=True))
    assert not same_bits(vae, trained)


# Keys and chunks


def test_the_same_key_gives_the_same_bits_and_another_key_others(vae, pixels, run):
    again, history = fit(vae, pixels)
    assert same_bits(again, run[0])
    assert all(np.array_equal(history[name], run[1][name]) for name in history)
    other, history = fit(vae, pixels, seed=2)
    assert not same_bits(other, run[0]) and not np.array_equal(history["loss"], run[1]["loss"])


@pytest.mark.parametrize("chunks", [1, 20, 1000])
def test_chunks_do_not_change_the_bits(vae, pixels, run, chunks):
    model, history = fit(vae, pixels, chunks=chunks)
    assert same_bits(model, run[0])
    assert np.array_equal(history["loss"], run[1]["loss"])
    assert history["held_out_step"].tolist() == list(range(20 // min(chunks, 20), 21, 20 // min(chunks, 20)))
    assert history["held_out_loss"][-1] == run[1]["held_out_loss"][-1]


@pytest.mark.parametrize(
    "steps, chunks, lengths",
    [(20, 10, [2] * 10), (20, 7, [4] * 5), (7, 10, [1] * 7), (13, 4, [13]), (1, 10, [1])],
)
def test_a_run_is_cut_into_equal_chunks(steps, chunks, lengths):
    calls = []

    def advance(state, start, length):
        calls.append((start, length))
        return (jnp.asarray(1.0),), {"loss": np.zeros(length)}

    _, history = loop.run_in_chunks(advance, (jnp.asarray(0.0),), steps, chunks, progress=False)
    assert [length for _, length in calls] == lengths
    assert [start for start, _ in calls] == [sum(lengths[:i]) for i in range(len(lengths))]
    assert history["loss"].shape == (steps,)


def test_a_new_learning_rate_or_beta_does_not_recompile(vae, pixels, run):
    before = training.vae_steps._cache_size()
    for changes in [
        dict(learning_rate=1e-2),
        dict(learning_rate=1),
        dict(learning_rate=np.float32(0.1)),
        dict(beta=4),
        dict(beta=0),
        dict(beta=np.float64(2)),
        dict(seed=5),
        dict(steps=40, chunks=8),
    ]:
        fit(vae, pixels, **changes)
        fit(run[0], pixels, **changes)
    assert training.vae_steps._cache_size() == before


def test_learning_rate_and_beta_matter(vae, pixels, run):
    for changes in [dict(learning_rate=1e-3), dict(beta=2.0)]:
        assert not same_bits(fit(vae, pixels, **changes)[0], run[0])


# Other models, other losses


def test_an_autoencoder_trains_through_the_same_function(pixels):
    model = models.Autoencoder(X_DIM, 8, 2, 1, key=jax.random.key(0))
    trained, history = fit(model, pixels, loss=losses.autoencoder_loss, steps=400, chunks=80)
    assert isinstance(trained, models.Autoencoder)
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    assert np.all(history["kl"] == 0) and np.array_equal(history["loss"], history["reconstruction"])


def test_points_in_the_plane_may_lie_anywhere():
    def loss(model, x, key, beta):
        return losses.vae_loss(
            model, x, key, beta, lambda x_hat, x: losses.gaussian_log_likelihood(x_hat, x, 0.5)
        )

    points = np.random.default_rng(0).normal(0, 3, (64, 2)).astype(np.float32)
    model = models.VAE(2, 8, 2, 1, output=models.identity, key=jax.random.key(0))
    _, history = fit(model, points, loss=loss)
    assert np.all(np.isfinite(history["loss"]))


# What stops a run


def loss_that_breaks(model, x, key, beta):
    """The VAE's loss, but NaN at step number `beta`, which it knows by the key that this step draws its noise
    from.
    """
    steps_key, _ = jax.random.split(jax.random.key(1))
    noise_key = jax.random.split(jax.random.fold_in(steps_key, beta.astype(int)))[1]
    hit = jnp.all(jax.random.key_data(noise_key) == jax.random.key_data(jax.random.clone(key)))
    loss, parts = losses.vae_loss(model, x, key, BETA)
    return jnp.where(hit, jnp.nan, loss), parts


@pytest.mark.parametrize("bad_step, good_steps", [(0, 0), (4, 0), (5, 5), (13, 10), (19, 15)])
def test_a_run_that_turns_nan_names_the_step_and_keeps_the_last_good_model(
    vae, pixels, run, bad_step, good_steps
):
    with pytest.raises(
        training.Diverged, match=rf"not finite at step {bad_step}\b.* after step {good_steps}\b"
    ) as stop:
        fit(vae, pixels, loss=loss_that_breaks, beta=bad_step)
    model = stop.value.models[0]
    assert stop.value.step == bad_step
    assert all(np.all(np.isfinite(leaf)) for leaf in leaves(model))
    if good_steps:
        np.testing.assert_allclose(stop.value.history["loss"], run[1]["loss"][:good_steps], rtol=1e-5)
        assert not same_bits(model, vae)
    else:
        assert stop.value.history == {} and same_bits(model, vae)


@pytest.mark.parametrize(
    "record, state, step",
    [
        ({"loss": [1, np.nan, np.nan]}, 0.0, 1),
        ({"loss": [1, 1, 1], "generator_loss": [np.inf, 1, 1]}, 0.0, 0),
        ({"loss": [1, 1, 1]}, np.nan, 2),  # the last update broke the model: no loss has seen it yet
        ({"loss": [1, 1, 1], "held_out_loss": np.nan}, 0.0, 2),  # measured after the last step
        ({"loss": [1, 1, np.nan], "held_out_loss": np.nan}, np.nan, 2),
    ],
)
def test_the_first_bad_step_of_a_chunk_is_found(record, state, step):
    def advance(_, start, length):
        broken = start == 3  # the second of three chunks
        good = {"loss": np.ones(3), "generator_loss": np.ones(3), "held_out_loss": np.ones(())}
        return (jnp.asarray(state if broken else 1.0),), good | {
            k: np.array(v, float) for k, v in record.items() if broken
        }

    with pytest.raises(training.Diverged) as stop:
        loop.run_in_chunks(advance, (jnp.asarray(0.0),), 9, 3, progress=False)
    assert stop.value.step == 3 + step
    assert float(stop.value.models[0]) == 1.0
    assert stop.value.history["loss"].shape == (3,)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_an_interruption_returns_the_last_finished_chunk(vae, pixels, run, monkeypatch, capsys, after):
    steps, calls = training.vae_steps, []

    def interrupted(*args, **options):
        if len(calls) == after:
            raise KeyboardInterrupt
        calls.append(1)
        return steps(*args, **options)

    monkeypatch.setattr("vaegan_helpers.training.vae.vae_steps", interrupted)
    model, history = fit(vae, pixels)
    assert f"the model after step {5 * after} of 20" in capsys.readouterr().out
    if after:
        assert np.array_equal(history["loss"], run[1]["loss"][: 5 * after])
        assert len(history["held_out_loss"]) == len(history["held_out_step"]) == after
        assert not same_bits(model, vae)
    else:
        assert history == {} and same_bits(model, vae)


def test_the_bar_goes_to_standard_output_and_reaches_the_end(vae, pixels, capsys):
    fit(vae, pixels, progress=True)
    out, err = capsys.readouterr()
    assert "20 of 20 steps" in out and err == ""
    fit(vae, pixels, progress=False)
    assert capsys.readouterr() == ("", "")


# Bad input


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(steps=0), "steps must be a whole number of at least 1; got 0"),
        (dict(steps=2.5), "steps must be a whole number of at least 1; got 2.5"),
        (dict(steps=-3), "steps must be a whole number of at least 1; got -3"),
        (dict(chunks=0), "chunks must be a whole number of at least 1; got 0"),
        (dict(snapshots=0), "snapshots must be a whole number of at least 1; got 0"),
        (dict(batch_size=0), "batch_size must be a whole number of at least 1; got 0"),
        (dict(batch_size=65), "batch_size must be at most the 64 examples; got 65"),
        (dict(learning_rate=0.0), "learning_rate must be a positive number; got 0.0"),
        (dict(learning_rate=-1e-3), "learning_rate must be a positive number; got -0.001"),
        (dict(learning_rate=np.nan), "learning_rate must be a positive number; got nan"),
        (dict(learning_rate=np.inf), "learning_rate must be a positive number; got inf"),
        (dict(beta=-0.1), "beta must be a number of at least 0; got -0.1"),
        (dict(beta=np.nan), "beta must be a number of at least 0; got nan"),
        (dict(beta=np.inf), "beta must be a number of at least 0; got inf"),
        (dict(held_out=np.zeros((4, 11))), r"held_out must be an array of shape \(n, 12\); got \(4, 11\)"),
        (dict(held_out=np.full((4, 12), 2.0)), r"held_out must lie in \[0, 1\]; got values from 2 to 2"),
        (dict(held_out=np.zeros((0, 12))), r"held_out must be an array of shape \(n, 12\); got \(0, 12\)"),
    ],
)
def test_bad_settings_are_named(vae, pixels, changes, message):
    with pytest.raises(ValueError, match=message):
        fit(vae, pixels, **changes)


@pytest.mark.parametrize(
    "data, message",
    [
        (np.zeros((64, 11)), r"data must be an array of shape \(n, 12\); got \(64, 11\)"),
        (np.zeros(12), r"data must be an array of shape \(n, 12\); got \(12,\)"),
        (np.zeros((64, 3, 4)), r"data must be an array of shape \(n, 12\); got \(64, 3, 4\)"),
        (np.zeros((0, 12)), r"data must be an array of shape \(n, 12\); got \(0, 12\)"),
        (
            np.full((64, 12), 255),
            r"data must lie in \[0, 1\]; got values from 255 to 255",
        ),
        (np.full((64, 12), -0.5), r"data must lie in \[0, 1\]; got values from -0.5"),
        (np.full((64, 12), np.nan), "data must be finite; got NaN or infinity in 64 of 64 rows"),
    ],
)
def test_bad_data_are_named(vae, data, message):
    with pytest.raises(ValueError, match=message):
        fit(vae, data, held_out=None)


@pytest.mark.parametrize("key", [0, None, np.zeros(2, np.uint32), "key"], ids=repr)
def test_a_key_that_is_no_key_is_named(vae, pixels, key):
    with pytest.raises(ValueError, match=rf"one key from jax.random.key\(seed\); got {type(key).__name__}"):
        training.fit_vae(vae, pixels, key, steps=1, batch_size=2, progress=False)


def test_a_batch_of_keys_is_refused(vae, pixels):
    with pytest.raises(ValueError, match="key must be one key"):
        training.fit_vae(
            vae, pixels, jax.random.split(jax.random.key(0)), steps=1, batch_size=2, progress=False
        )


# Falling rates and averaged weights


def test_the_returned_model_has_the_moving_average_of_its_weights(vae, pixels):
    last, averaged = (fit(vae, pixels, steps=1, chunks=1, averaging=a)[0] for a in (0.0, 0.9))
    for before, after, ours in zip(leaves(vae), leaves(last), leaves(averaged), strict=True):
        np.testing.assert_allclose(ours, 0.1 * before + 0.9 * after, atol=1e-6)  # step 0 keeps 1 / 10


def test_averaging_looks_on_and_changes_no_step(vae, pixels, run):
    _, history = fit(vae, pixels, averaging=0.9)
    np.testing.assert_allclose(history["loss"], run[1]["loss"], rtol=1e-5)
    assert not np.allclose(history["held_out_loss"], run[1]["held_out_loss"], rtol=1e-5)


def test_with_rates_that_fall_the_last_steps_are_small(vae, pixels):
    def last_move(**options):
        _, history = fit(vae, pixels, snapshots=20, **options)
        moves = [np.diff(leaf[-2:], axis=0) for leaf in leaves(history["snapshots"])]
        return np.sqrt(sum(float(np.sum(np.square(move))) for move in moves))

    assert last_move(final_rate=0.01) < 0.1 * last_move()


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(averaging=1.0), "averaging must be .*1.0"),
        (dict(final_rate=0.0), "final_rate must be a positive number; got 0.0"),
        (dict(final_rate=1.5), "final_rate must be above 0 and at most 1; got 1.5"),
    ],
)
def test_bad_rates_and_averages_are_refused(vae, pixels, changes, message):
    with pytest.raises(ValueError, match=message):
        fit(vae, pixels, **changes)
