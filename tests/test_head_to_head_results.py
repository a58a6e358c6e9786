"""The stored table of notebooks 7 and 8: it belongs to the script beside it, a row of it comes out again, and
the notebooks quote it.
"""

import importlib
import itertools
import json
from pathlib import Path

import jax
import nbformat
import numpy as np
import pytest

from vaegan_helpers import models

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SCRIPT, NOTEBOOK = NOTEBOOKS / "results" / "head_to_head.py", NOTEBOOKS / "08_vae_versus_gan.ipynb"
densities = importlib.import_module("comparison.densities")
MEASURES = (
    "precision",
    "recall",
    "density",
    "coverage",
    "frechet",
    "sharpness",
    "effective_classes",
    "rarest_share",
)


@pytest.fixture(scope="module")
def full_runs(table):
    return [table["runs"][str(seed)] for seed in table["settings"]["seeds"]]


def test_settings_in_the_file_are_those_of_the_script(script, table):
    assert table["settings"] == json.loads(json.dumps(script["SETTINGS"]))
    assert len(set(table["settings"]["seeds"])) >= 5
    assert list(table["runs"]) == [
        str(seed) for seed in table["settings"]["seeds"] + table["settings"]["more_seeds"]
    ]


def test_equal_time_follows_from_the_measured_times(table):
    seconds = table["equal_time"]["seconds_per_step"]
    wanted = table["settings"]["steps"] * seconds["GAN"] / seconds["VAE"]
    assert abs(table["equal_time"]["vae_steps"] - wanted) <= 500


def test_decoder_and_generator_are_one_network(script, table):
    vae, generator, _ = script["players"](jax.random.key(0))
    shapes = [[leaf.shape for leaf in jax.tree.leaves(network)] for network in (vae.decoder, generator)]
    assert shapes[0] == shapes[1]
    assert (
        table["parameters"]["decoder"]
        == table["parameters"]["generator"]
        == models.count_parameters(generator)
    )


def test_what_ends_well_is_what_was_written_down(table):
    limits = table["settings"]["well"]
    for run in table["runs"].values():
        for name in ("VAE", "GAN", "GAN without R1"):
            row = run["rows"][name]
            assert row["ends_well"] == all(row[measure] >= limit for measure, limit in limits.items())


def test_every_run_holds_every_measure_within_its_range(table, full_runs):
    for run in full_runs:
        for row in run["rows"].values():
            assert all(np.isfinite(row[measure]) for measure in MEASURES)
            assert all(0 <= row[measure] <= 1 for measure in ("precision", "recall", "coverage"))
            assert 1 <= row["effective_classes"] <= 10
        for model in ("VAE", "GAN"):
            history = run["rows"][model]["while_training"]
            assert all(len(values) == len(table["settings"]["moments"]) for values in history.values())
            assert history["sharpness"][-1] == pytest.approx(run["rows"][model]["sharpness"], rel=1e-3)


def test_bounds_rise_with_draws(full_runs):
    for run in full_runs:
        for proposal in ("encoder", "fitted"):
            values = list(run["rows"]["VAE"]["bounds"][proposal].values())
            assert all(
                fewer < more + 0.1 for fewer, more in itertools.pairwise(values)
            )  # 0.1: the noise of a mean
        assert run["rows"]["VAE"]["bounds"]["independent"] < values[0]


def test_a_row_comes_out_again(script, table):
    seed = table["settings"]["seeds"][0]
    keys = script["keys_of"](seed)
    vae, _ = script["train_vae"](script["players"](keys["players"])[0], keys["vae"])
    again, stored = (
        script["judge"](script["samples_of"](vae, keys["noise"])),
        table["runs"][str(seed)]["rows"]["VAE"],
    )
    for measure in ("precision", "recall", "coverage", "sharpness"):  # processors differ in the last digits
        assert again[measure] == pytest.approx(stored[measure], abs=0.03), measure
    assert again["frechet"] == pytest.approx(stored["frechet"], rel=0.15)


def test_rows_that_need_no_training_come_out_again(script, table):
    seed = table["settings"]["seeds"][0]
    order = np.random.default_rng(seed).permutation(len(script["digits"].train_images))
    real = densities.kernel_estimate(script["digits"].train_images[order[:1000]])
    assert real == pytest.approx(table["runs"][str(seed)]["kernel_estimates"]["real digits"], abs=0.1)


def test_odd_pictures_are_odd_and_as_many(script):
    images = script["digits"].test_images
    odd = densities.odd_pictures(0)
    assert set(odd) == {"chimeras", "lying", "faint"} and all(
        pictures.shape == images.shape for pictures in odd.values()
    )
    assert all(not np.allclose(pictures, images) for pictures in odd.values())


# What the notebook says in words


@pytest.mark.parametrize(
    "row, name, places",
    [
        ("VAE", "encoder_error", 1),
        ("GAN", "search_error", 1),
        *[
            (row, name, 2)
            for row in ("VAE", "GAN")
            for name in ("copies", "linear_real", "linear_noise", "unevenness")
        ],
    ],
)
def test_the_guide_quotes_the_table(prose, full_runs, row, name, places):
    values = [run["rows"][row][name] for run in full_runs]
    guide = prose[prose.index("| you need |") :]
    assert (
        f"{np.mean(values):.{places}f} ± {np.std(values, ddof=1):.{places}f}" in guide[: guide.index("\n\n")]
    )


@pytest.mark.parametrize(
    "claim, better, worse, name",
    [
        ("the GAN is sharper", "GAN", "VAE", "sharpness"),
        ("the GAN is sharper at equal time", "GAN", "VAE, equal time", "sharpness"),
        ("the VAE has higher precision", "VAE", "GAN", "precision"),
        ("the VAE has higher recall", "VAE", "GAN", "recall"),
        ("the VAE has higher coverage at equal time", "VAE, equal time", "GAN", "coverage"),
        ("the GAN has the lower Fréchet distance", "VAE", "GAN", "frechet"),
        ("the GAN's classes are more even", "GAN", "VAE", "effective_classes"),
        ("the GAN reconstructs worse", "GAN", "VAE", "search_error"),
        ("the GAN's paths are less even", "GAN", "VAE", "unevenness"),
        ("real digits are read better off the VAE", "VAE", "GAN", "linear_real"),
    ],
)
def test_what_the_summary_claims_of_every_seed_holds_on_every_seed(full_runs, claim, better, worse, name):
    assert all(run["rows"][better][name] > run["rows"][worse][name] for run in full_runs), claim


def test_what_the_notebook_calls_a_draw_is_one(full_runs):
    for name in ("coverage", "linear_noise"):
        ahead = sum(run["rows"]["VAE"][name] > run["rows"]["GAN"][name] for run in full_runs)
        assert 0 < ahead < len(full_runs), name


def test_the_kernel_estimate_ranks_averages_above_the_truth(full_runs):
    for run in full_runs:
        found = run["kernel_estimates"]
        assert found["cluster centres"] > found["real digits"] + 50 and found["VAE"] > found["real digits"]


@pytest.mark.parametrize("model, measure", [("VAE", "js"), ("GAN", "js"), ("VAE", "width"), ("GAN", "width")])
def test_the_seventh_notebook_quotes_the_ring(full_runs, model, measure):
    values = [run["ring"][model][measure] for run in full_runs]
    notebook = nbformat.read(NOTEBOOKS / "07_measuring_samples.ipynb", as_version=4)
    (said,) = (cell.source for cell in notebook.cells if cell.source.startswith("Both find all eight"))
    assert f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}" in said


def test_on_the_ring_the_gan_is_too_narrow_and_the_vae_too_wide(full_runs):
    for run in full_runs:
        widths = {name: run["ring"][name]["width"] for name in ("real", "VAE", "GAN")}
        assert widths["GAN"] < 0.95 * widths["real"] and widths["VAE"] > 1.2 * widths["real"]
        assert run["ring"]["GAN"]["near"] > run["ring"]["VAE"]["near"]


def test_pixel_draws_take_the_lead_in_precision_away(full_runs):
    drawn, gan = (
        np.mean([run["rows"][name]["precision"] for run in full_runs])
        for name in ("VAE, pixels drawn", "GAN")
    )
    assert abs(drawn - gan) < 0.01
