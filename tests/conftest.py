"""What holds for every unit test; the notebooks run in kernels of their own, with the settings of a learner."""

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")  # (batch, 1) against (batch,) would become (batch, batch)
jax.config.update("jax_debug_key_reuse", True)
