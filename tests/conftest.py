"""What holds for every test: JAX's strictness, the browser, which tests are quick, and their order.

The notebooks run in kernels of their own, with the settings of a learner.
"""

import gc
import itertools
import os
import runpy
import sys
from pathlib import Path

import browser
import jax
import nbformat
import pytest

from vaegan_helpers import results

# With cores of its own for each worker, its kernels and its browser, training costs a third less: XLA's
# threads of two workers on the same cores wait for one another. XLA counts cores when it is first used.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if WORKER and hasattr(os, "sched_setaffinity"):
    workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    if mine := sorted(os.sched_getaffinity(0))[int(WORKER) % workers :: workers]:
        os.sched_setaffinity(0, mine)

# as Python does for a script that is run
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "notebooks" / "results"))
jax.config.update(
    "jax_numpy_rank_promotion", "raise"
)  # (batch, 1) against (batch,) would become (batch, batch)
jax.config.update("jax_debug_key_reuse", True)

SCREENSHOTS = Path(__file__).parent / "_screenshots"
# What a quick test does not need: a browser, a server of JupyterLab, the grader.
SLOW_FIXTURES = {"chromium", "server", "plain_server", "graded", "site"}
# The rest of what is not quick: tests that run notebooks, train for long or repeat themselves many times, by
# how their names begin. Files with the most work come first, so that the two workers end together.
LONG = {
    "test_notebook_runs": ["test_"],
    "test_assignments": [],
    "test_grading_runs": ["test_"],
    "test_marking": ["test_"],
    "test_variants": ["test_an_answer_fits", "test_the_report_names"],
    "test_explorers_browser": [],
    "test_stage_browser": [],
    "test_stage_export": ["test_the_code_without_a_stage", "test_a_recording_is_compact"],
    "test_browser": [],
    "test_pages": ["test_two_notebooks_run", "test_a_failing_notebook"],
    "test_server": [],
    "test_vae_gan": [
        "test_the_penalty_holds_d_flat",
        "test_training_brings_reconstructions_nearer",
        "test_the_same_key_gives_the_same_bits_however",
        "test_the_first_step_is_adam_on_both",
        "test_new_weights_and_rates_compile_nothing",
        "test_the_returned_vae_has_the_moving_average",
    ],
    "test_gan_training": [
        "test_every_loss_and_penalty_trains",
        "test_discriminator_trained_alone",
        "test_cutting_the_run_differently",
        "test_each_player_moves_by_the_optimiser",
        "test_scan_equals_a_plain_loop",
        "test_changed_settings_compile_nothing",
    ],
    "test_head_to_head_results": ["test_a_row_comes_out_again"],
    "test_fair_fight_results": ["test_a_row_comes_out_again", "test_an_untrained_pair"],
    "test_longer_runs_results": ["test_a_row_comes_out_again"],
    "test_convolutional_results": ["test_a_row_comes_out_again", "test_training_makes"],
    "test_convolutional": ["test_they_train_as"],
    "test_hybrid_results": [
        "test_a_row_comes_out_again",
        "test_a_second_model_draws_where",
        "test_the_ways_of_training_make",
    ],
    "test_mode_collapse_results": ["test_a_row_comes_out_again", "test_every_row_makes_players"],
    "test_checks_vae": [
        "test_other_ways_to_train_pass",
        "test_a_slow_loop_over_all_pictures",
        "test_a_training_loop_that_repeats_itself",
        "test_slips_of_a_training_loop_are_named",
        "test_batches_that_are_not_drawn_with_the_key",
        "test_steps_that_are_not_those_of_adam",
        "test_right_answers_pass_whatever",
        "test_right_training_loops_pass",
    ],
    "test_checks_properties": ["test_a_right_answer_passes", "test_a_second_look_finds"],
    "test_checks_gan": ["test_a_right_answer_passes_every_time"],
    "test_checks_modes": ["test_a_right_answer_passes_every_time"],
    "test_checks": ["test_a_wrong_function_is_always_told"],
    "test_stage": [
        "test_the_vanishing_gradient_preset",
        "test_the_mode_collapse_preset",
        "test_the_healthy_preset",
        "test_the_posterior_collapse_preset",
        "test_every_choice_trains_and_is_shown",
        "test_rates_and_weights_compile_nothing",
    ],
    "test_stage_widget": ["test_every_preset_plays", "test_every_switch_changes"],
    "test_jax_switches": [
        f"test_a_switch_changes_no_result[{which}-{trained}"
        for which in ("64 bits", "strict promotion", "search for NaN")
        for trained in ("fit_", "stage")
    ],
    "test_remedies": [
        "test_every_remedy_trains",
        "test_gradient_through_unrolled_moves",
        "test_largest_singular_value",
    ],
    "test_runner": ["test_"],
    "test_sweep": ["test_"],
    "test_execute_notebooks": ["test_"],
    "test_training": ["test_the_scan_equals_a_loop", "test_held_out_data_are_recorded"],
    "test_divergences": ["test_the_fine_sum_of_these_tests"],
    "test_data": ["test_two_processes_may_build"],
    "test_tools": ["test_two_processes_collect", "test_python_in_development_mode"],
}
# Files that compute more than they compile. Notebooks and assignments run in kernels of their own, optimised.
OPTIMISED = {
    "test_stage",
    "test_training",
    "test_head_to_head_results",
    "test_hybrid_results",
    "test_mode_collapse_results",
    "test_fair_fight_results",
    "test_longer_runs_results",
    "test_data",
    "test_quality",
}
OPENED = pytest.StashKey()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Two workers for the whole suite and for the quick tests; none for tests that are named."""
    named = config.invocation_params.args and config.args_source.name == "ARGS"
    return 0 if named else 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Marks what is quick, and puts the files with the longest work first."""
    for item in items:
        long = item.name.startswith(tuple(LONG.get(item.path.stem, [])))
        if not long and not SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.quick)
    place = {name: i for i, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.fixture(scope="module", autouse=True)
def compile_quickly(request):
    """Compiling takes half the time where XLA leaves out most of its passes; long trainings need them.

    The programs of one file are of no use to the next, and all together they would fill the memory.
    """
    short = request.path.stem not in OPTIMISED
    jax.config.update("jax_disable_most_optimizations", short)
    yield
    jax.clear_caches()
    gc.collect()


@pytest.fixture(scope="module")
def script(request):
    """What the script of stored results that a file names SCRIPT defines."""
    return runpy.run_path(str(request.module.SCRIPT))


@pytest.fixture(scope="module")
def table(request):
    """The table that this script has stored."""
    return results.load(request.module.SCRIPT.stem)


@pytest.fixture(scope="module")
def prose(request):
    """What the notebook that a file names NOTEBOOK says in words."""
    notebook = nbformat.read(request.module.NOTEBOOK, as_version=4)
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


@pytest.fixture(scope="session")
def chromium(request):
    """The browser, one for all tests of a process."""
    path = browser.chromium_path()
    if path is None:
        message = "there is no Chromium on this machine (for instance `apt-get install chromium`)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=browser.CHROMIUM_ARGUMENTS)
        request.config.stash[OPENED] = opened
        yield opened
        del request.config.stash[OPENED]
        opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """When a test fails, what its pages show at that moment is kept in tests/_screenshots.

    Pages of the reading edition are kept at three widths, in the light and in the dark.
    """
    report = yield
    opened = item.config.stash.get(OPENED, None)
    if report.failed and opened is not None:
        SCREENSHOTS.mkdir(exist_ok=True)
        (SCREENSHOTS / ".gitignore").write_text("*\n", encoding="utf-8")
        name = "".join(c if c.isalnum() else "_" for c in item.name)
        for number, page in enumerate(page for context in opened.contexts for page in context.pages):
            page.screenshot(path=SCREENSHOTS / f"{name}_{number}.png")
            if page.url.startswith("file:"):
                for width, scheme in itertools.product((360, 1280, 1920), ("light", "dark")):
                    page.set_viewport_size({"width": width, "height": 900})
                    page.emulate_media(color_scheme=scheme)
                    page.screenshot(path=SCREENSHOTS / f"{name}_{number}_{width}_{scheme}.png")
    return report
