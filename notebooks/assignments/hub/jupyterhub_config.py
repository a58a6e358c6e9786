"""JupyterHub for a class on one server: a limit for each learner, a cache that all read, nbgrader.

    pip install -c constraints.txt -e ".[grading,hub]" && npm install -g configurable-http-proxy
    jupyterhub --config notebooks/assignments/hub/jupyterhub_config.py

Every learner needs an account of the system. Put a web server with TLS in front of it.
"""

import os
import shlex
import sys
from pathlib import Path

HUB = Path(__file__).resolve().parent
COURSE = HUB.parents[2]
SHARED = Path(os.environ.get("COURSE_SHARED", "/srv/vae-and-gan"))  # fill.sh makes what is in it
MEGABYTES = int(os.environ.get("COURSE_MEGABYTES", "2000"))  # of each process of a learner

c = get_config()  # noqa: F821

c.JupyterHub.bind_url = os.environ.get("COURSE_URL", "http://127.0.0.1:8000")
c.JupyterHub.cleanup_servers = False  # the hub may be started again while learners work

# The instructor manages people at /hub/admin; a learner is whoever has an account of the system.
instructors = os.environ.get("COURSE_INSTRUCTORS", "instructor")
c.Authenticator.admin_users = set(instructors.split(","))
c.Authenticator.allow_all = True

# A process beyond its memory gets a MemoryError in the cell that asked for too much, and stays.
limited = f'ulimit -d {1024 * MEGABYTES}; exec "$@"'
program = str(Path(sys.executable).with_name("jupyterhub-singleuser"))
c.Spawner.cmd = ["sh", "-c", limited, "sh", program]
c.Spawner.default_url = "/lab"
c.Spawner.notebook_dir = "~"
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
c.JupyterHub.concurrent_spawn_limit = 8
c.JupyterHub.active_server_limit = int(os.environ.get("COURSE_SEATS", "0"))  # 0 is no limit
c.Spawner.environment = {
    # compiled programs and prepared digits: filled once, read by all, written by none of them
    "VAEGAN_HELPERS_CACHE": str(SHARED / "cache"),
    # nbgrader's exchange and course: nbgrader_config.py in this folder
    "JUPYTER_CONFIG_PATH": str(HUB),
    "COURSE_SHARED": str(SHARED),
    # two threads each: otherwise one learner's matrix product takes all cores from the others
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=true intra_op_parallelism_threads=2",
}


def copy_notebooks(spawner):
    """Gives a learner the notebooks at the first start; later ones leave them alone."""
    import pwd
    import subprocess

    home = Path(pwd.getpwnam(spawner.user.name).pw_dir)
    script = 'test -e "$2" || cp -r --no-preserve=mode,ownership "$1" "$2"'
    given = [str(SHARED / "notebooks"), str(home / "notebooks")]
    asked = ["sh", "-c", script, "sh", *given]
    if os.geteuid() == 0:
        asked = ["su", "-s", "/bin/sh", spawner.user.name, "-c", shlex.join(asked)]
    subprocess.run(asked, check=True)


c.Spawner.pre_spawn_hook = copy_notebooks

# People who leave their tab open: a server that nobody used for an hour is stopped.
c.JupyterHub.load_roles = [
    {
        "name": "cull",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["cull"],
    }
]
culler = [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"]
c.JupyterHub.services = [{"name": "cull", "command": culler}]
