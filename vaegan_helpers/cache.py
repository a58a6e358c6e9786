"""The user's cache directory: compiled programs, prepared files, and the one way to write a file whole or not
at all.
"""

import hashlib
import os
import platform
import tempfile
import time
import warnings
import zlib
from pathlib import Path

import jax
import platformdirs


def directory():
    """The user's cache directory of this package; it need not exist yet."""
    return platformdirs.user_cache_path("vaegan_helpers")


def _processor():
    """A short name for this type of processor: code compiled for one may crash on another that shares the
    home.
    """
    facts = [platform.machine(), platform.processor()]
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    for field in ("model name", "flags", "Features"):
        facts += [line for line in lines if line.startswith(field)][:1]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def keep_compiled_programs():
    """Point JAX's persistent compilation cache at a directory of this user and processor."""
    wanted = os.environ.get("VAEGAN_HELPERS_COMPILATION_CACHE", "on").strip().lower()
    if wanted in ("off", "0", "no", "false") or jax.config.jax_compilation_cache_dir is not None:
        return
    compiled = directory() / "compiled" / _processor()
    try:
        compiled.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if not os.access(compiled, os.W_OK):
        return
    _remove_damaged(compiled)
    jax.config.update("jax_compilation_cache_dir", str(compiled))
    # A notebook compiles a hundred programs of some 30 ms each, so the small ones count as well.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _remove_damaged(directory):
    """Delete entries cut short by a full disk or a power cut: JAX warns about them for ever, and never
    replaces them.

    Each is looked at once, and not while another kernel may still be writing it.
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
            ):  # the mark of Zstandard, which JAX uses where it is at hand
                zlib.decompress(packed)
        except zlib.error:
            warnings.warn(
                f"{entry.name} in the compilation cache was damaged; it will be compiled again", stacklevel=2
            )
            entry.unlink(missing_ok=True)
        except OSError:  # another kernel has just removed it
            continue
    try:
        stamp.touch()
        os.utime(stamp, (settled, settled))
    except OSError:  # it will be looked through again
        pass


def write_atomically(path, write):
    """Writes a file so that a reader sees the old one or the whole new one, also when two kernels write at
    once.

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
