"""What a learner's answer is held against: each check takes a function of theirs, and names the likely slip.

`checks.kl(my_kl)` prints "the KL: right", or raises a `NotYet` that says what to look at. In an exercise,
`checks.hint(checks.kl, my_kl)` prints in both cases; `checks.answer` is for an answer in a number or a word.
`frame` calls and compares, `table` is what most checks are; the other modules hold the checks, by assignment.
`checks.properties.kl(my_kl)` takes a second look, from another side: hidden tests do.
"""

from vaegan_helpers.checks import properties
from vaegan_helpers.checks.comparison import equal_players, own_data, players_from_key, split
from vaegan_helpers.checks.comparison_experiment import equal_budget, equal_data, seeds_decide
from vaegan_helpers.checks.comparison_scores import (
    difference,
    results,
    score_ranks,
    score_sees_missing_modes,
    spread,
)
from vaegan_helpers.checks.frame import NotYet, answer, hint
from vaegan_helpers.checks.gan import (
    best_discriminator,
    discriminator_loss,
    divergence,
    generator_loss,
    large_logits,
    saturating_generator_loss,
    slopes,
)
from vaegan_helpers.checks.gan_draws import round_draws
from vaegan_helpers.checks.gan_repairs import named_faults, repaired_round
from vaegan_helpers.checks.gan_rounds import discriminator_step, generator_step, one_round
from vaegan_helpers.checks.modes import (
    count_modes,
    distances,
    high_quality,
    misleading_samples,
    reverse_kl,
    reverse_kl_of_all,
    samples_needed,
)
from vaegan_helpers.checks.modes_remedies import (
    append_spread,
    difference_of_means,
    evidence,
    pack,
    spread_gradient,
)
from vaegan_helpers.checks.table import Check
from vaegan_helpers.checks.vae import (
    kl,
    kl_of_unit_clouds,
    log_likelihood,
    log_likelihood_far_out,
    nats_per_latent,
    standard_deviation,
)
from vaegan_helpers.checks.vae_draw import fresh_noise, gradient_through_noise, reparameterise
from vaegan_helpers.checks.vae_latents import land, nearest_label, spherical
from vaegan_helpers.checks.vae_objective import vae_loss, vae_loss_beta, vae_loss_noise
from vaegan_helpers.checks.vae_training import training_draws_afresh, training_improves
