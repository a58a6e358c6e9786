"""Submissions to assignment 2, and the marks they should get."""

from grading import Submission
from submissions_1 import code

SUBMISSIONS = [
    Submission("solution"),
    Submission("blank", blank=True, lost="all", says={"discriminator_loss_value": "not written yet"}),
    Submission(
        "slips_a",
        {
            "discriminator_loss": code("""
            def discriminator_loss(real_logits, fake_logits):
                real, fake = jax.nn.sigmoid(real_logits), jax.nn.sigmoid(fake_logits)
                return -jnp.log(real).mean() - jnp.log(1 - fake).mean()
            """),
            "generator_losses": code("""
            def generator_loss(fake_logits):
                return jnp.log(1 - jax.nn.sigmoid(fake_logits)).mean()

            def saturating_generator_loss(fake_logits):
                return jnp.log(jnp.clip(1 - jax.nn.sigmoid(fake_logits), 1e-3, 1)).mean()
            """),
            "slopes": code("""
            def slopes(fake_logits):
                return (jax.grad(lambda l: jax.nn.log_sigmoid(-l).mean())(fake_logits),
                        jax.grad(lambda l: -jax.nn.log_sigmoid(l).mean())(fake_logits))
            """),
            "round_draws": code("""
            def round_draws(data, key, batch_size, z_dim):
                batch_key, noise_key = jax.random.split(key)
                real = data[jax.random.randint(batch_key, (batch_size,), 0, len(data))]
                return real, *(jax.random.normal(noise_key, (batch_size, z_dim)) for _ in range(2))
            """),
            "discriminator_step": code("""
            def discriminator_step(generator, discriminator, real, noise, learning_rate):
                def loss(discriminator):
                    return losses.discriminator_loss(discriminator(generator(noise)), discriminator(real))
                return descend(discriminator, jax.grad(loss)(discriminator), learning_rate)
            """),
            "generator_step": code("""
            def generator_step(generator, discriminator, noise, learning_rate):
                fake = generator(noise)
                gradients = jax.grad(lambda generator: losses.generator_loss(discriminator(fake)))(generator)
                return descend(generator, gradients, learning_rate)
            """),
            "play_round": code("""
            def play_round(generator, discriminator, real, discriminator_noise, generator_noise, learning_rate):
                return (generator_step_of_mine(generator, discriminator, generator_noise, learning_rate),
                        discriminator_step_of_mine(generator, discriminator, real, discriminator_noise, learning_rate))

            def discriminator_step_of_mine(generator, discriminator, real, noise, learning_rate):
                def loss(discriminator):
                    return losses.discriminator_loss(discriminator(real), discriminator(generator(noise)))
                return descend(discriminator, jax.grad(loss)(discriminator), learning_rate)

            def generator_step_of_mine(generator, discriminator, noise, learning_rate):
                def loss(generator):
                    return losses.generator_loss(discriminator(generator(noise)))
                return descend(generator, jax.grad(loss)(generator), learning_rate)
            """),
            "faults": "faults = {1, 4}",
            "repaired_round": "repaired_round = broken_round",
            "divergence": code("""
            def divergence(real_logits, fake_logits):
                return 2 * jnp.log(2) - losses.discriminator_loss(real_logits, fake_logits)
            """),
        },
        lost={
            "discriminator_loss_large",
            "generator_loss_value",
            "generator_loss_large",
            "saturating_loss_value",
            "slopes_value",
            "round_draws_value",
            "discriminator_step_value",
            "generator_step_value",
            "play_round_value",
            "faults_named",
            "repaired_labels",
            "repaired_leak",
            "repaired_lesson",
            "divergence_value",
        },
        says={
            "discriminator_loss_large": "rounded to 0 or 1",
            "generator_loss_value": "this is the saturating loss",
            "saturating_loss_value": "change with the sign, batch of 40",  # by the hidden test alone
            "slopes_value": "divided by the batch size",
            "round_draws_value": "a key was used twice",
            "discriminator_step_value": "real and generated data are exchanged",
            "generator_step_value": "no gradient arrives",
            "play_round_value": "G answered the old D",
            "faults_named": "there are 3; you name 2",
            "repaired_labels": "the labels are exchanged",
            "repaired_leak": "leaks into G",
            "repaired_lesson": "nothing of G",
            "divergence_value": "twice the divergence",
        },
    ),
    Submission(
        "slips_b",
        {
            "discriminator_loss": code("""
            def discriminator_loss(real_logits, fake_logits):
                return -jnp.log(real_logits).mean() - jnp.log(1 - fake_logits).mean()
            """),
            "generator_losses": code("""
            def generator_loss(fake_logits):
                return -jnp.log(jnp.clip(jax.nn.sigmoid(fake_logits), 1e-7, 1)).mean()

            def saturating_generator_loss(fake_logits):
                return jax.nn.softplus(fake_logits).mean()
            """),
            "slopes": "def slopes(fake_logits):\n    return (1 - jax.nn.sigmoid(fake_logits)) * -1",
            "round_draws": code("""
            def round_draws(data, key, batch_size, z_dim):
                discriminator_key, generator_key = jax.random.split(key)
                return (data[:batch_size], jax.random.normal(discriminator_key, (batch_size, z_dim)),
                        jax.random.normal(generator_key, (batch_size, z_dim)))
            """),
            "discriminator_step": code("""
            def discriminator_step(generator, discriminator, real, noise, learning_rate):
                def loss(players):
                    return losses.discriminator_loss(players[1](real), players[1](players[0](noise)))
                players = (generator, discriminator)
                return descend(players, jax.grad(loss)(players), learning_rate)
            """),
            "generator_step": code("""
            def generator_step(generator, discriminator, noise, learning_rate):
                def loss(generator):
                    return -losses.generator_loss(discriminator(generator(noise)))
                return descend(generator, jax.grad(loss)(generator), learning_rate)
            """),
            "play_round": "def play_round(*arguments):\n    return broken_round(*arguments)[0]",
            "faults": "faults = {1, 3, 5}",
            "repaired_round": code("""
            def repaired_round(generator, discriminator, real, discriminator_noise, generator_noise, learning_rate):
                def discriminator_loss(players):
                    generator, discriminator = players
                    return losses.discriminator_loss(discriminator(real), discriminator(generator(discriminator_noise)))
                players = (generator, discriminator)
                generator, discriminator = descend(players, jax.grad(discriminator_loss)(players), learning_rate)

                def generator_loss(generator):
                    return losses.generator_loss(discriminator(generator(generator_noise)))
                return descend(generator, jax.grad(generator_loss)(generator), learning_rate), discriminator
            """),
            "divergence": "def divergence(real_logits, fake_logits):\n    return jnp.full(len(real_logits), jnp.nan)",
        },
        lost={
            "discriminator_loss_value",
            "discriminator_loss_large",
            "generator_loss_large",
            "saturating_loss_value",
            "slopes_value",
            "round_draws_value",
            "discriminator_step_value",
            "generator_step_value",
            "play_round_value",
            "faults_named",
            "repaired_labels",
            "repaired_leak",
            "divergence_value",
        },
        says={
            "discriminator_loss_value": "logits were taken for probabilities",
            "generator_loss_large": "clipped",
            "saturating_loss_value": "sign is the wrong way round",
            "slopes_value": "wanted 2 things",
            "round_draws_value": "a piece of the data in its order",
            "discriminator_step_value": "should be the discriminator; it is a tuple of 2",
            "generator_step_value": "uphill",
            "play_round_value": "wanted 2 things",
            "faults_named": "look at G's own step",
            "repaired_labels": "here it is 0.9, and that is no fault",
            "repaired_leak": "leaks into G",
            "divergence_value": "has shape (9,)",
        },
    ),
    Submission(
        "other_ways",
        {
            "discriminator_loss": code("""
            def discriminator_loss(real_logits, fake_logits):
                logits = jnp.concatenate([real_logits, fake_logits])
                labels = jnp.concatenate([jnp.ones(len(real_logits)), jnp.zeros(len(fake_logits))])
                share = jnp.where(labels == 1, 1 / len(real_logits), 1 / len(fake_logits))
                return jnp.sum(share * optax.sigmoid_binary_cross_entropy(logits, labels))
            """),
            "generator_losses": code("""
            def generator_loss(fake_logits):
                return sum(jax.nn.softplus(-logit) for logit in fake_logits) / len(fake_logits)

            def saturating_generator_loss(fake_logits):
                return jnp.mean(jax.vmap(lambda logit: jnp.log1p(-jax.nn.sigmoid(logit)))(fake_logits))
            """),
            "slopes": code("""
            def slopes(fake_logits):
                return [jax.vmap(jax.grad(loss))(fake_logits)
                        for loss in (lambda l: jnp.log(1 - jax.nn.sigmoid(l)), lambda l: jax.nn.softplus(-l))]
            """),
            "round_draws": code("""
            def round_draws(data, key, batch_size, z_dim):
                key, batch_key = jax.random.split(key)
                real = jax.random.choice(batch_key, data, (batch_size,), replace=False)
                noise = jax.random.normal(key, (2, batch_size, z_dim))
                return real, noise[0], noise[1]
            """),
            "discriminator_step": code("""
            def discriminator_step(generator, discriminator, real, noise, learning_rate):
                fake, sgd = generator(noise), optax.sgd(learning_rate)
                slopes = jax.grad(lambda d: jax.nn.softplus(-d(real)).mean() + jax.nn.softplus(d(fake)).mean())(discriminator)
                return optax.apply_updates(discriminator, sgd.update(slopes, sgd.init(discriminator))[0])
            """),
            "generator_step": code("""
            def generator_step(generator, discriminator, noise, learning_rate):
                fake, pull = jax.vjp(lambda generator: generator(noise), generator)
                slopes, = pull(jax.grad(lambda x: losses.generator_loss(discriminator(x)))(fake))
                return jax.tree.map(lambda w, s: w - learning_rate * s, generator, slopes)
            """),
            "play_round": code("""
            @jax.jit
            def play_round(generator, discriminator, real, discriminator_noise, generator_noise, learning_rate):
                def objective(player, who):
                    if who == "D":
                        return losses.discriminator_loss(player(real), player(generator(discriminator_noise)))
                    return losses.generator_loss(discriminator(player(generator_noise)))
                discriminator = descend(discriminator, jax.grad(objective)(discriminator, "D"), learning_rate)
                return [descend(generator, jax.grad(objective)(generator, "G"), learning_rate), discriminator]
            """),
            "faults": "faults = [4, 3, 1]",
            "repaired_round": code("""
            def repaired_round(generator, discriminator, real, d_noise, g_noise, learning_rate):
                fake = generator(d_noise)
                def d_loss(d):
                    return (jax.nn.softplus(d(real)) - 0.9 * d(real)).mean() + jax.nn.softplus(d(fake)).mean()
                discriminator = descend(discriminator, jax.grad(d_loss)(discriminator), learning_rate)
                return generator_step(generator, discriminator, g_noise, learning_rate), discriminator
            """),
            "divergence": code("""
            def divergence(real_logits, fake_logits):
                real, fake = jax.nn.sigmoid(real_logits), jax.nn.sigmoid(fake_logits)
                return float(0.5 * jnp.log(2 * real).mean() + 0.5 * jnp.log(2 * (1 - fake)).mean())
            """),
        },
    ),
]
