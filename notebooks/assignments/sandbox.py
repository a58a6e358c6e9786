"""Where a submission's code runs: what it cannot reach, and how much it may take.

nbgrader itself stays outside, with the gradebook, the sources and the other submissions. Only the
kernel is put into the sandbox; the two speak through sockets in a folder of their own.
"""

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil
from jupyter_client.manager import AsyncKernelManager
from traitlets import Enum, Integer

COURSE = Path(__file__).resolve().parent
# What every program needs; homes, other disks and the rest of /etc are left out.
OF_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/ld.so.cache"),
    *("/etc/alternatives", "/etc/fonts", "/etc/localtime", "/etc/passwd", "/etc/group"),
)
# Settings that a kernel is told of; whatever else stands in the environment may be a secret.
TOLD = ("PATH", "LANG", "LC_", "PYTHON", "TZ", "VAEGAN_HELPERS_", "JAX_", "XLA_", "OMP_")
WORDS = {
    "network": "no network",
    "files": "sees Python and its own files only",
    "processes": "its processes by themselves",
    "user": "another user",
    "home": "own home and temporary folder",
    "limits": "limits on memory, on the size of a file and on the number of processes",
}
BUBBLEWRAP = frozenset({"network", "files", "processes", "home", "limits"})
# The ways, best first: what a kernel's command is put behind, and what that gives.
NOBODYS = (65534, 65534)  # user and group
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs".split()
UNSHARE = "unshare --net --ipc --pid --fork --kill-child --mount-proc".split()
WAYS = {
    "bubblewrap, another user": (NOBODY, BUBBLEWRAP | {"user"}),
    "bubblewrap": ([], BUBBLEWRAP),
    "unshare": (UNSHARE, BUBBLEWRAP - {"files"}),
    "unshare, user": ([*UNSHARE, "--user", "--map-root-user"], BUBBLEWRAP - {"files"}),
    "none": ([], frozenset({"home", "limits"})),
}


def cache():
    """The folder of the course's prepared data and compiled programs."""
    from vaegan_helpers.cache import directory

    return directory()


def readable():
    """Folders beside the system's that a kernel reads: Python's, and the course's package."""
    import vaegan_helpers

    package = Path(vaegan_helpers.__file__).resolve().parent
    wanted = [Path(sys.prefix), Path(sys.base_prefix), package, cache()]
    return [str(path) for path in dict.fromkeys(wanted) if path.is_dir()]


def command_of(way, room, folder):
    """What stands before the command of a kernel.

    Args:
      way: a key of `WAYS`.
      room: folder that the kernel may write to.
      folder: where the kernel starts; it is a copy that it sees there.
    """
    before = list(WAYS[way][0])
    if "files" not in WAYS[way][1]:
        return before
    before += ["bwrap", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL"]
    before += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    for path in OF_SYSTEM:
        if os.path.islink(path):
            before += ["--symlink", os.readlink(path), path]
        else:
            before += ["--ro-bind-try", path, path]
    binds = [(path, ["--ro-bind", path, path]) for path in readable()]
    binds.append((folder, ["--bind", f"{room}/work", folder]))
    for _, bind in sorted(binds, key=lambda pair: len(Path(pair[0]).parts)):  # parents first
        before += bind
    return [*before, "--bind", room, room, "--chdir", folder]


def works(way):
    """Whether a kernel could be started in this way here, with a folder to write to."""
    if "user" in WAYS[way][1] and (os.name != "posix" or os.geteuid() != 0):
        return False
    with a_room(way) as room:
        program = [sys.executable, "-c", f"import ipykernel; open('{room}/home/probe', 'w')"]
        try:
            done = subprocess.run(
                [*command_of(way, room, f"{room}/work"), *program],
                capture_output=True,
                timeout=60,
                cwd="/",
                env=told(room, way),
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0


@functools.cache
def best_way(wanted="auto"):
    """The best of `WAYS` that works on this machine, or the wanted one.

    Raises:
      RuntimeError: the wanted one does not work here.
    """
    if wanted != "auto":
        if wanted != "none" and not works(wanted):
            raise RuntimeError(f"the sandbox {wanted!r} does not work on this machine")
        return wanted
    return next(way for way in WAYS if way == "none" or works(way))


def in_words(way):
    """What is in force and what is not, as a sentence."""
    has = WAYS[way][1]
    without = [words for name, words in WORDS.items() if name not in has]
    said = "; ".join(words for name, words in WORDS.items() if name in has)
    return f"Sandbox ({way}): {said}." + (f" NOT in force: {'; '.join(without)}." * bool(without))


@contextlib.contextmanager
def a_room(way):
    """A folder for one kernel, removed afterwards."""
    room = make_room(way)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def make_room(way, folder=None):
    """Makes a folder with a home, a temporary folder and a copy of `folder` to work in."""
    room = os.path.realpath(tempfile.mkdtemp(prefix="kernel-"))
    for name in ("home", "tmp", "matplotlib"):
        os.mkdir(f"{room}/{name}")
    if folder:  # what was handed in beside the notebook; in the notebook are the hidden tests
        shutil.copytree(folder, f"{room}/work", ignore=shutil.ignore_patterns("*.ipynb"))
    else:
        os.mkdir(f"{room}/work")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for fonts in caches.glob("matplotlib/fontlist*.json"):  # matplotlib takes seconds to make one
        shutil.copy(fonts, f"{room}/matplotlib")
    if "user" in WAYS[way][1]:
        for path in [room, *map(str, Path(room).rglob("*"))]:
            os.chown(path, *NOBODYS)
    return room


def told(room, way):
    """The environment of a kernel."""
    known = {name: value for name, value in os.environ.items() if name.startswith(TOLD)}
    known |= {"HOME": f"{room}/home", "TMPDIR": f"{room}/tmp", "MPLCONFIGDIR": f"{room}/matplotlib"}
    known |= {"IPYTHONDIR": f"{room}/home", "JUPYTER_RUNTIME_DIR": room}
    known["VAEGAN_HELPERS_CACHE"] = str(cache())  # compiled programs and data; to be read only
    known["JPY_PARENT_PID"] = "1"  # it ends with its sandbox and need not watch who started it
    return known


class SandboxedKernel(AsyncKernelManager):
    """Starts a kernel in the best sandbox that there is, and ends it where it takes too much."""

    sandbox = Enum(
        ["auto", *WAYS], "auto", help="How kernels are shut in; auto takes the best that works."
    ).tag(config=True)
    megabytes = Integer(4096, help="A kernel that takes more memory is ended.").tag(config=True)
    file_megabytes = Integer(1024, help="No file that it writes may be larger.").tag(config=True)
    most_processes = Integer(64, help="A kernel with more processes is ended.").tag(config=True)
    room = None

    async def start_kernel(self, **named):
        """Starts it in a folder of its own, with a copy of the folder of the submission."""
        self.way = best_way(self.sandbox)
        folder = os.path.realpath(named.get("cwd") or os.getcwd())
        self.room, self.folder = make_room(self.way, named.get("cwd")), folder
        self.connection_file = f"{self.room}/kernel.json"
        if "network" in WAYS[self.way][1]:
            self.transport, self.ip = "ipc", f"{self.room}/socket"
        start = "/" if "files" in WAYS[self.way][1] else f"{self.room}/work"
        await super().start_kernel(**(named | {"cwd": start}))
        threading.Thread(target=self._watch, args=(self.provisioner.pid,), daemon=True).start()

    def format_kernel_cmd(self, extra_arguments=None):
        """The command of the kernel behind what shuts it in.

        The shell takes the place of whoever would end at the signal that interrupts a cell.
        """
        kernel = super().format_kernel_cmd(extra_arguments)
        if "user" in WAYS[self.way][1]:
            os.chown(self.connection_file, *NOBODYS)
        settings = [f"{name}={value}" for name, value in told(self.room, self.way).items()]
        inside = command_of(self.way, self.room, self.folder)
        if os.name != "posix":
            return kernel
        limits = (
            f"ulimit -c 0; ulimit -f {2 * 1024 * self.file_megabytes}; trap '' INT; exec \"$@\""
        )
        return ["sh", "-c", limits, "sh", *inside, "env", "-i", *settings, *kernel]

    async def cleanup_resources(self, restart=False):
        """Also removes the folder that the kernel wrote to."""
        await super().cleanup_resources(restart)
        if self.room and not restart:
            shutil.rmtree(self.room, ignore_errors=True)

    def _watch(self, pid):
        """Ends the kernel and all that it started when they take too much together."""
        with contextlib.suppress(psutil.Error):
            kernel, beat = psutil.Process(pid), threading.Event()
            while kernel.is_running() and kernel.status() != psutil.STATUS_ZOMBIE:
                family = [kernel, *kernel.children(recursive=True)]
                memory = sum(map(_memory, family))
                if memory > self.megabytes * 2**20 or len(family) > self.most_processes:
                    for each in reversed(family):
                        with contextlib.suppress(psutil.Error):
                            each.kill()
                beat.wait(0.25)


def _memory(process):
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0
