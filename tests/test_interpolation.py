import numpy as np
import pytest

from vaegan_helpers import interpolation

PATHS = [interpolation.linear_path, interpolation.spherical_path]


def shoemake(a, b, t):
    """The textbook formula, for two vectors of the same norm."""
    angle = np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("z_dim", [1, 2, 16])
def test_paths_start_and_end_at_their_ends(path, z_dim):
    a, b = np.random.default_rng(0).normal(size=(2, z_dim)).astype(np.float32)
    points = path(a, b, 7)
    assert points.shape == (7, z_dim) and points.dtype == np.float32
    assert np.array_equal(points[0], a) and np.array_equal(points[-1], b)


@pytest.mark.parametrize("z_dim", [2, 3, 64])
def test_spherical_path_is_shoemakes_formula_for_equal_norms(z_dim):
    a, b = np.random.default_rng(1).normal(size=(2, z_dim))
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    expected = [shoemake(a, b, t) for t in np.linspace(0, 1, 9)]
    assert np.allclose(interpolation.spherical_path(a, b, 9), expected, atol=1e-5)


def test_spherical_path_changes_its_norm_linearly_and_turns_at_a_constant_rate():
    a, b = np.array([2.0, 0, 0]), np.array([0, 0, 5.0])
    points = interpolation.spherical_path(a, b, 6)
    norms = np.linalg.norm(points, axis=1)
    assert np.allclose(norms, np.linspace(2, 5, 6), atol=1e-5)
    directions = points / norms[:, None]
    turns = np.arccos(np.sum(directions[1:] * directions[:-1], axis=1))
    assert np.allclose(turns, np.pi / 10, atol=1e-4)


def test_the_straight_line_cuts_inside_the_shell_and_the_great_circle_does_not():
    a, b = np.random.default_rng(2).normal(size=(2, 64))
    shell = np.linalg.norm(a), np.linalg.norm(b)
    line, arc = (np.linalg.norm(path(a, b, 21), axis=1) for path in PATHS)
    assert line.min() < 0.85 * min(shell)
    assert arc.min() > 0.999 * min(shell) and arc.max() < 1.001 * max(shell)


@pytest.mark.parametrize(
    "a, b", [([0, 0], [3, 4]), ([3, 4], [0, 0]), ([0, 0], [0, 0]), ([1, 1], [3, 3]), ([1], [-2])]
)
def test_without_a_single_great_circle_the_path_is_the_straight_line(a, b):
    assert np.allclose(interpolation.spherical_path(a, b, 5), interpolation.linear_path(a, b, 5), atol=1e-6)


@pytest.mark.parametrize("z_dim", [2, 3, 16])
def test_opposite_latents_are_refused(z_dim):
    a = np.random.default_rng(3).normal(size=z_dim)
    with pytest.raises(ValueError, match="must not be opposite latents"):
        interpolation.spherical_path(a, -1.7 * a, 9)


@pytest.mark.parametrize("offset", [1e-4, 1e-7, 1e-10])
def test_almost_parallel_and_almost_opposite_latents_give_finite_paths_of_the_right_norm(offset):
    a = np.array([1.0, 0.0, 0.0])
    for b in (a + [0, offset, 0], -a + [0, offset, 0]):
        points = interpolation.spherical_path(a, b, 9)
        assert np.allclose(np.linalg.norm(points, axis=1), 1, atol=1e-5)


def test_step_lengths_are_euclidean():
    assert np.allclose(interpolation.step_lengths([[0, 0], [3, 4], [3, 5]]), [5, 1])
    assert np.allclose(
        interpolation.step_lengths(interpolation.linear_path([0, 0, 0], [2, 2, 1], 4)), 1, atol=1e-6
    )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "start, end, steps, said",
    [
        ([0, 0], [1, 1, 1], 5, r"end must be an array of shape \(2,\); got \(3,\)"),
        ([[0, 0]], [[1, 1]], 5, r"\(1, 2\)"),
        ([], [], 5, r"\(0,\)"),
        ([0, np.nan], [1, 1], 5, "finite"),
        ([0, 0], [1, 1], 1, "at least 2; got 1"),
        ([0, 0], [1, 1], 2.5, "2.5"),
    ],
)
def test_bad_ends_are_refused(path, start, end, steps, said):
    with pytest.raises(ValueError, match=said):
        path(start, end, steps)


@pytest.mark.parametrize(
    "path, said",
    [([1, 2, 3], r"\(3,\)"), ([[1, 2]], "at least 2 points; got 1"), (np.zeros((2, 2, 2)), "2, 2, 2")],
)
def test_step_lengths_want_a_path(path, said):
    with pytest.raises(ValueError, match=said):
        interpolation.step_lengths(path)
