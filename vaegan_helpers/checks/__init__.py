"""What a learner's answer is held against: each check takes a function of theirs, and names the likely slip.

`checks.kl(my_kl)` prints "the KL: right", or raises a `NotYet` that says what to look at; `checks.hint(checks.kl, my_kl)`
prints in both cases. `frame` is the frame, the other modules hold the checks themselves.
"""

from vaegan_helpers.checks.comparison import (  # noqa: F401
    difference,
    equal_budget,
    equal_data,
    equal_players,
    own_data,
    players_from_key,
    results,
    score_ranks,
    score_sees_missing_modes,
    seeds_decide,
    split,
    spread,
)
from vaegan_helpers.checks.fitting import training_draws_afresh, training_improves  # noqa: F401
from vaegan_helpers.checks.frame import NotYet, answer, hint  # noqa: F401
from vaegan_helpers.checks.gan import (  # noqa: F401
    best_discriminator,
    discriminator_loss,
    divergence,
    generator_loss,
    large_logits,
    saturating_generator_loss,
    slopes,
)
from vaegan_helpers.checks.modes import (  # noqa: F401
    count_modes,
    distances,
    high_quality,
    misleading_samples,
    reverse_kl,
    samples_needed,
)
from vaegan_helpers.checks.plane import land, nearest_label  # noqa: F401
from vaegan_helpers.checks.remedies import append_spread, difference_of_means, evidence, pack, spread_gradient  # noqa: F401
from vaegan_helpers.checks.rounds import (  # noqa: F401
    discriminator_step,
    generator_step,
    one_round,
    repaired_round,
    round_draws,
)
from vaegan_helpers.checks.turns import spherical  # noqa: F401
from vaegan_helpers.checks.vae import (  # noqa: F401
    fresh_noise,
    gradient_through_noise,
    kl,
    log_likelihood,
    log_likelihood_far_out,
    nats_per_latent,
    reparameterise,
    standard_deviation,
    vae_loss,
    vae_loss_beta,
    vae_loss_noise,
)
