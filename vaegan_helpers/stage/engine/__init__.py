"""The state of a live training run: a GAN and a VAE on the same data, advanced in small pieces, steered and
rewound.

No widget and no picture: `page` draws what `Stage.view` returns. `live` holds the stage, `export` what can be
taken away from it, `settings` what can be set, `networks` the networks and their rounds, `packed` how their
weights go there and back quickly, `scene` what there is to see, `divergences` how far two densities are
apart, and `slow_motion` the parts of one round.
"""

from vaegan_helpers.stage.engine.live import KEPT_EVERY, MEASURED, Diverged, Stage
from vaegan_helpers.stage.engine.networks import CURVES, PATH
from vaegan_helpers.stage.engine.settings import CHOICES, DATA, LIMIT, LIVE, PRESETS, RESETS, WHOLE, Settings
