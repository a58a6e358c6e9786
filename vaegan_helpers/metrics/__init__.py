"""What can be measured of a trained model: `metrics.x` is the one address of each measure.

`likelihood` holds bounds on log p(x), `samples` the quality and variety of samples, `classifier` the features
that these are measured in, `modes` what is counted where the density is known, `opinion` what a fresh
discriminator sees.
"""

from vaegan_helpers.metrics.classifier import Classifier, fit_classifier
from vaegan_helpers.metrics.likelihood import active_units, importance_weighted_bound, latent_activity
from vaegan_helpers.metrics.modes import (
    Birthdays,
    Modes,
    binomial_interval,
    birthday_test,
    modes_covered,
    support_size,
)
from vaegan_helpers.metrics.opinion import SecondOpinion, second_opinion
from vaegan_helpers.metrics.samples import (
    ClassBalance,
    PrecisionRecall,
    class_balance,
    frechet_distance,
    nearest_neighbours,
    precision_recall,
    sharpness,
)
