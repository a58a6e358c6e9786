"""The state of a live training run: a GAN and a VAE on the same data, advanced in small pieces, steered and rewound.

No widget and no picture: `widgets` draws what `Stage.view` returns. `live` holds the stage, `settings` what can be set,
`players` the networks and their rounds, `scene` what there is to see, `divergences` how far two densities are apart,
and `slow_motion` the parts of one round.
"""

from vaegan_helpers.stage.live import MEASURED, Diverged, Stage  # noqa: F401
from vaegan_helpers.stage.players import CURVES  # noqa: F401
from vaegan_helpers.stage.settings import CHOICES, DATA, LIVE, PRESETS, RESETS, WHOLE, Settings  # noqa: F401
