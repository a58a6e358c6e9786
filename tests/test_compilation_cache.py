"""Importing the package keeps compiled programs. Each case is a process and a home of its own."""

import os
import subprocess
import sys
import time

import pytest

PROGRAM = "print(float(jax.jit(lambda x: 3 * x)(2.0)))"


def start(home, before="", between="", **environment):
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "VAEGAN_", "XLA_"))
    }
    return subprocess.Popen(
        [sys.executable, "-c", f"{before}\nimport vaegan_helpers, jax\n{between}\n{PROGRAM}"],
        cwd=home,
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


def run(home, **how):
    return end(start(home, **how))


def entries(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*-cache")}


def test_small_programs_are_kept_and_found_again(tmp_path):
    run(tmp_path)
    kept = entries(tmp_path)
    assert kept
    assert {path.parents[1] for path in kept} == {tmp_path / "cache" / "vaegan_helpers" / "compiled"}
    assert run(tmp_path) == ""
    assert entries(tmp_path) == kept


def test_programs_of_a_cache_that_may_only_be_read_are_used_without_a_word(tmp_path):
    shared, reader = tmp_path / "shared", tmp_path / "reader"
    reader.mkdir()
    run(tmp_path, VAEGAN_HELPERS_CACHE=str(shared))
    kept = entries(shared)
    assert kept
    refuse = (
        "import tempfile\ndef refuse(**_):\n    raise OSError('read-only')\ntempfile.TemporaryFile = refuse"
    )
    assert run(reader, before=refuse, VAEGAN_HELPERS_CACHE=str(shared)) == ""
    assert entries(shared) == kept and not entries(reader)


def damage(home):
    """Cuts the largest entry short, as if interrupted a minute ago; gives the entry and its length."""
    damaged = max(entries(home), key=lambda path: path.stat().st_size)
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    minute_ago = time.time() - 60  # a younger one may still be being written
    os.utime(damaged, (minute_ago, minute_ago))
    os.utime(next(home.rglob("checked")), (minute_ago - 1, minute_ago - 1))
    return damaged, len(whole) // 2


def test_a_damaged_entry_is_replaced_with_a_word_about_it(tmp_path):
    run(tmp_path)
    damaged, length = damage(tmp_path)
    words = run(tmp_path)
    assert "damaged" in words and damaged.name in words
    assert damaged.stat().st_size > length
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


# Without a cache


not_on_windows = pytest.mark.skipif(
    sys.platform == "win32", reason="there every user has a home, and no limits"
)


def said_once(words, reason):
    """Whether the only warning is ours, with this reason."""
    return words.count("Warning") == 1 and "each run compiles them anew" in words and reason in words


def test_without_a_place_to_write_it_works_all_the_same(tmp_path):
    (tmp_path / "cache").write_text("a file where the directory should be")
    assert said_once(run(tmp_path), str(tmp_path / "cache"))


# What stands before the program: as on a full disk, no file can grow beyond some bytes.
FULL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (99, 99)); "
# No home directory in the environment, and none known to the system.
NO_HOME = """
import os, pwd
for name in ("HOME", "XDG_CACHE_HOME"):
    os.environ.pop(name)
def unknown(user):
    raise KeyError(user)
pwd.getpwuid = unknown
"""
NO_DELETING = """
import pathlib
def refused(path, missing_ok=False):
    raise PermissionError(13, "Permission denied", str(path))
pathlib.Path.unlink = refused
"""


@not_on_windows
def test_a_full_disk_costs_one_warning_and_not_one_for_each_program(tmp_path):
    assert said_once(run(tmp_path, before=FULL_DISK), "File too large")
    assert not entries(tmp_path)


@not_on_windows
def test_a_disk_that_fills_up_later_costs_no_warning_for_each_program(tmp_path):
    assert run(tmp_path, between=FULL_DISK) == ""


@not_on_windows
def test_an_unknown_user_without_a_home_leaves_no_folder_where_they_are(tmp_path):
    assert said_once(run(tmp_path, before=NO_HOME), "Not a directory")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_entry_that_cannot_be_deleted_does_not_stop_the_import(tmp_path):
    run(tmp_path)
    damage(tmp_path)
    assert said_once(run(tmp_path, before=NO_DELETING), "Permission denied")
