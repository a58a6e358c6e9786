"""The training runs: `training.x` is the one address of each.

`loop` is their frame, `vae`, `gan` and `vae_gan` the steps.
"""

from vaegan_helpers.training.gan import (
    OPTIMIZERS,
    PENALTIES,
    Game,
    GanSettings,
    GanState,
    discriminator_batch,
    fit_gan,
    gan_state,
    gan_steps,
    generator_batch,
    move_keys,
)
from vaegan_helpers.training.loop import Diverged
from vaegan_helpers.training.vae import fit_vae, vae_batch, vae_steps
from vaegan_helpers.training.vae_gan import VaeGanSettings, VaeGanState, fit_vae_gan, vae_gan_steps
