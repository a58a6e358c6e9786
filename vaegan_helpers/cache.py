"""The user's cache directory: compiled programs, prepared files, and the one way to write a file whole."""

import hashlib
import os
import platform
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import jax
import platformdirs

PROBE = 2**18  # bytes that a directory must have room for before programs are kept in it


def directory() -> Path:
    """The cache directory of this package; it need not exist yet, and without a home it never can.

    It is the user's, or the one that `VAEGAN_HELPERS_CACHE` names: such as one that a class reads together.
    """
    if given := os.environ.get("VAEGAN_HELPERS_CACHE"):
        return Path(given).absolute()
    try:
        path = platformdirs.user_cache_path("vaegan_helpers")
    except RuntimeError:  # a user whom the system does not know
        path = Path()
    return path if path.is_absolute() else Path(os.devnull, "vaegan_helpers")


def _processor():
    """A short name for this type of processor: two that share a home may not run each other's code."""
    facts = [platform.machine(), platform.processor()]
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    for field in ("model name", "flags", "Features"):
        facts += [line for line in lines if line.startswith(field)][:1]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def keep_compiled_programs() -> None:
    """Point JAX's persistent compilation cache at a directory of this user and processor.

    Where nothing can be kept, one warning says so, and everything works without. Programs in a cache that
    others have filled are used, though nothing can be added to it.
    """
    wanted = os.environ.get("VAEGAN_HELPERS_COMPILATION_CACHE", "on").strip().lower()
    given = jax.config.values["jax_compilation_cache_dir"]
    if wanted in ("off", "0", "no", "false") or given is not None:
        return
    compiled = directory() / "compiled" / _processor()
    try:
        compiled.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=compiled) as probe:
            probe.write(bytes(PROBE))
        _remove_damaged(compiled)
    except OSError as error:
        if os.environ.get("VAEGAN_HELPERS_CACHE") and compiled.is_dir():
            return _read_programs(compiled)
        warnings.warn(
            f"compiled programs cannot be kept in {compiled} ({error}); each run compiles them anew",
            stacklevel=3,
        )
        return
    _read_programs(compiled)


def _read_programs(compiled):
    """Make JAX look there for compiled programs, and leave new ones there where it can."""
    jax.config.update("jax_compilation_cache_dir", str(compiled))
    # A notebook compiles a hundred programs of some 30 ms each, so the small ones count as well.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # A disk that fills up later is told of when the package is imported next, and not once for each program.
    warnings.filterwarnings("ignore", "Error writing persistent compilation cache entry")


def _remove_damaged(directory):
    """Delete entries cut short by a full disk or a power cut: JAX warns about them for ever, and keeps them.

    Each is looked at once, and not while another kernel may still be writing it.

    Raises:
      OSError: a damaged entry cannot be deleted.
    """
    stamp, settled = directory / "checked", time.time() - 10
    try:
        checked = stamp.stat().st_mtime
    except OSError:  # never before
        checked = 0.0
    for entry in directory.glob("*-cache"):
        try:
            if not checked <= entry.stat().st_mtime < settled:
                continue
            packed = entry.read_bytes()
            if not packed.startswith(
                b"\x28\xb5\x2f\xfd"
            ):  # Zstandard's mark; JAX uses it where it is at hand
                zlib.decompress(packed)
        except zlib.error:
            entry.unlink(missing_ok=True)
            warnings.warn(
                f"{entry.name} in the compilation cache was damaged; it will be compiled again", stacklevel=4
            )
        except OSError:  # another kernel has just removed it
            continue
    try:
        stamp.touch()
        os.utime(stamp, (settled, settled))
    except OSError:  # it will be looked through again
        pass


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file so that readers see the old one or the whole new one, also if two kernels write at once.

    Args:
      path: where it shall stand; missing folders are made.
      write: function of an open binary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
        os.chmod(temporary, 0o644)  # mkstemp lets nobody else read it
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
