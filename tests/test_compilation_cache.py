"""Importing the package keeps compiled programs. Each case is a process of its own, with a home of its own."""

import os
import subprocess
import sys
import time

import pytest

PROGRAM = "import vaegan_helpers, jax; print(float(jax.jit(lambda x: 3 * x)(2.0)))"


def start(home, **environment):
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "VAEGAN_", "XLA_"))
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**inherited, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process):
    """What the program said on stderr; its result must be right."""
    answer, words = process.communicate(timeout=60)
    assert answer.strip() == "6.0", words
    return words


def run(home, **environment):
    return end(start(home, **environment))


def entries(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*-cache")}


def test_small_programs_are_kept_and_found_again(tmp_path):
    run(tmp_path)
    kept = entries(tmp_path)
    assert kept
    assert {path.parents[1] for path in kept} == {tmp_path / "cache" / "vaegan_helpers" / "compiled"}
    assert run(tmp_path) == ""
    assert entries(tmp_path) == kept


def test_a_damaged_entry_is_replaced_with_a_word_about_it(tmp_path):
    run(tmp_path)
    damaged = max(entries(tmp_path), key=lambda path: path.stat().st_size)
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    os.utime(
        damaged, (minute_ago := time.time() - 60, minute_ago)
    )  # a younger one may still be being written
    os.utime(next(tmp_path.rglob("checked")), (minute_ago - 1, minute_ago - 1))
    words = run(tmp_path)
    assert "damaged" in words and damaged.name in words
    assert damaged.stat().st_size > len(whole) // 2
    assert run(tmp_path) == ""


def test_two_kernels_may_start_at_once(tmp_path):
    for process in [start(tmp_path) for _ in range(2)]:
        end(process)
    assert run(tmp_path) == ""


def test_code_for_fewer_instructions_is_kept_apart(tmp_path):
    run(tmp_path)
    kept = entries(tmp_path)
    run(tmp_path, XLA_FLAGS="--xla_cpu_max_isa=AVX")
    assert len(entries(tmp_path)) == 2 * len(kept)


@pytest.mark.parametrize("off", ["off", "OFF", "0"])
def test_the_environment_variable_turns_it_off(tmp_path, off):
    run(tmp_path, VAEGAN_HELPERS_COMPILATION_CACHE=off)
    assert not entries(tmp_path)


def test_the_user_s_own_cache_is_left_alone(tmp_path):
    run(
        tmp_path,
        JAX_COMPILATION_CACHE_DIR=str(tmp_path / "mine"),
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
    )
    assert {path.parent for path in entries(tmp_path)} == {tmp_path / "mine"}


def test_without_a_place_to_write_it_works_all_the_same(tmp_path):
    (tmp_path / "cache").write_text("a file where the directory should be")
    assert run(tmp_path) == ""
