"""What the notebooks of the course share; they call it by module, so that each call shows its home.

`data` holds the digits, `mixtures` densities that are known exactly, `models` the networks,
`interpolation` paths between latents, `losses` the objectives, `training` the runs, `metrics` the
measures, `plots` the figures, `checks` what a learner's answer is held against, `widgets` the explorers
and `stage` the training stage. `python -m vaegan_helpers` opens the course; `server` is its part of any
other Jupyter server.

Compiling takes longer than training here, so importing the package makes JAX keep compiled programs in
the user's cache directory. `VAEGAN_HELPERS_COMPILATION_CACHE=off` turns that off; a
`JAX_COMPILATION_CACHE_DIR` of your own is left alone.
"""

import sys

__version__ = "0.2.0"

# a Jupyter server takes our extension alone: JAX would cost it 110 MB
if "jupyter_server.serverapp" not in sys.modules:
    from vaegan_helpers import cache

    cache.keep_compiled_programs()
