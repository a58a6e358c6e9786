"""The objectives: `losses.x` is the one address of each.

Losses are minimised; they return one number, in nats.

`vae` holds log-likelihoods, the KL term and the ELBO, `gan` the games of D and G with their penalties,
`vae_gan` what joins the two.
"""

from vaegan_helpers.losses.gan import (
    GAN_LOSSES,
    GanLoss,
    critic_generator_loss,
    critic_loss,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    r1_penalty,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
)
from vaegan_helpers.losses.vae import (
    autoencoder_loss,
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
    kl_monte_carlo,
    kl_to_standard_normal,
    normal_log_density,
    reparameterise,
    vae_loss,
)
from vaegan_helpers.losses.vae_gan import (
    MEASURES,
    VaeGanWeights,
    feature_error,
    vae_gan_discriminator_loss,
    vae_gan_loss,
)
