"""The training stage: a GAN and a VAE on the same points, trained live, steered, slowed down and rewound.

`engine` holds the state and knows nothing of pictures; `page` draws it. `stage.TrainingStage()` shows it in a
notebook.
"""

from vaegan_helpers.stage.engine import (
    CHOICES,
    CURVES,
    DATA,
    LIVE,
    MEASURED,
    PRESETS,
    RESETS,
    WHOLE,
    Diverged,
    Settings,
    Stage,
)
from vaegan_helpers.stage.page.widget import TrainingStage
