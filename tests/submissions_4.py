"""Submissions to assignment 4, and the marks they should get."""

from grading import Submission
from submissions_1 import code

SUBMISSIONS = [
    Submission("solution"),
    Submission("blank", blank=True, lost="all", says={"experiment_budget": "not written yet"}),
    Submission(
        "slips_a",
        {
            "my_points": "my_points = np.stack([np.linspace(0, 2, 200), np.zeros(200)], axis=1)",
            "split": "def split(points, key):\n    half = len(points) // 2\n    return points[:half], points[half:]",
            "players": code("""
            def players(key):
                vae = models.VAE(x_dim=2, hidden_dim=32, hidden_layers=2, z_dim=2, output=as_it_is, key=key)
                generator = models.Generator(x_dim=2, hidden_dim=48, hidden_layers=2, output=as_it_is, key=key)
                return vae, generator, models.Discriminator(x_dim=2, hidden_dim=48, key=key)
            """),
            "experiment": code("""
            def experiment(seed, points, fit_vae, fit_gan):
                keys = jax.random.split(jax.random.key(seed), 6)
                vae, generator, discriminator = players(keys[0])
                vae, _ = fit_vae(vae, points, keys[1], loss=point_loss, steps=300, progress=False)
                generator, _, _ = fit_gan(generator, discriminator, points, keys[2], steps=300, progress=False)
                of_vae = vae.decode(jax.random.normal(keys[3], (300, 2))) + std * jax.random.normal(keys[4], (300, 2))
                return of_vae, generator(jax.random.normal(keys[5], (300, 2)))
            """),
            "score": "def score(real, samples):\n    return metrics.precision_recall(real, samples).precision",
            "spread": "def spread(scores):\n    return scores.mean(axis=0), scores.std(axis=0)",
            "difference": code("""
            def difference(scores):
                gaps = scores[:, 0] - scores[:, 1]
                return gaps.mean(), gaps.std(ddof=1)
            """),
            "results": code("""
            train, held_out = my_points, my_points
            runs = [experiment(0, train, training.fit_vae, training.fit_gan)]
            results = np.array([[float(score(held_out, samples)) for samples in run] for run in runs])
            """),
        },
        lost={
            "my_points_fit",
            "split_halves",
            "players_equal",
            "experiment_budget",
            "score_diversity",
            "spread_value",
            "difference_value",
            "results_table",
        },
        says={
            "my_points_fit": "almost a straight line",
            "split_halves": "the same for two keys",
            "players_equal": "are not equal",
            "experiment_budget": "batches of 128 for the VAE, of 64 for the GAN",
            "score_diversity": "sees quality and no diversity",
            "spread_value": "ddof=1",
            "difference_value": "divide by the square root",
            "results_table": "has 1 seeds",
        },
    ),
    Submission(
        "slips_b",
        {
            "players": code("""
            def players(key):
                size = dict(x_dim=2, hidden_dim=32, hidden_layers=1, key=jax.random.key(0))
                vae = models.VAE(z_dim=2, output=as_it_is, **size)
                return vae, models.Generator(z_dim=2, output=as_it_is, **size), models.Discriminator(**size)
            """),
            "experiment": code("""
            fixed = jax.random.split(jax.random.key(0), 6)
            def experiment(seed, points, fit_vae, fit_gan):
                vae, generator, discriminator = players(fixed[0])
                budget = dict(steps=300, batch_size=64, progress=False)
                vae, _ = fit_vae(vae, points[:-10], fixed[1], loss=point_loss, **budget)
                generator, _, _ = fit_gan(generator, discriminator, points, fixed[2], **budget)
                z = np.random.default_rng(seed).normal(size=(300, 2))
                return vae.decode(z), generator(z)
            """),
            "split": code("""
            def split(points, key):
                first, second = jnp.split(jnp.asarray(points), 2)
                changed = jax.random.bernoulli(key, 0.5, (len(first), 1))
                return jnp.where(changed, first, second), jnp.where(changed, second, first)
            """),
            "score": code("""
            def score(real, samples):
                return metrics.frechet_distance(real, samples)
            """),
        },
        lost={
            "split_halves",
            "players_key",
            "experiment_data",
            "experiment_seed",
            "score_quality",
            "score_diversity",
        },
        says={
            "split_halves": "4 different first halves",  # by the hidden test alone
            "players_key": "are the same for two keys",
            "experiment_data": "140 of the 150 points",
            "experiment_seed": "two seeds train with the same key",
            "score_quality": "is the wrong way round",
        },
    ),
    Submission(
        "right_b",
        {
            "my_points": "my_points = mixtures.gaussian_ring(5, std=0.1).sample(jax.random.key(4), 100)",
            "split": code("""
            def split(points, key):
                order = np.asarray(jax.random.permutation(key, len(points)))
                return np.asarray(points)[order[::2]], np.asarray(points)[order[1::2]]
            """),
            "players": code("""
            def players(key):
                keys = [jax.random.fold_in(key, i) for i in range(3)]
                return [models.VAE(2, 40, 3, 1, output=as_it_is, key=keys[0]),
                        models.Generator(3, 40, 2, 1, output=as_it_is, key=keys[1]),
                        models.Discriminator(2, 64, 2, dropout=0.1, key=keys[2])]
            """),
            "experiment": code("""
            def experiment(seed, points, fit_vae, fit_gan):
                key = jax.random.key(seed)
                vae, generator, discriminator = players(jax.random.fold_in(key, 0))
                generator, *_ = fit_gan(generator, discriminator, points, key=jax.random.fold_in(key, 1), steps=300,
                                        batch_size=50, progress=False)
                vae, history = fit_vae(vae, data=points, key=jax.random.fold_in(key, 2), steps=300, batch_size=50,
                                       loss=point_loss, progress=False)
                print("ended at", history["loss"][-1])
                z = jax.random.normal(jax.random.fold_in(key, 3), (400, 3))
                noise = np.random.default_rng(seed).normal(0, std, (400, 2))
                return np.asarray(vae.decode(z)) + noise, np.asarray(generator(z))
            """),
            "score": "def score(real, samples):\n    return metrics.precision_recall(real, samples).coverage",
            "spread": code("""
            def spread(scores):
                n = len(scores)
                mean = sum(scores) / n
                return [mean, (sum((row - mean) ** 2 for row in scores) / (n - 1)) ** 0.5]
            """),
            "difference": code("""
            from scipy import stats
            def difference(scores):
                gaps = np.subtract(*np.asarray(scores).T)
                return float(gaps.mean()), float(stats.sem(gaps))
            """),
            "results": code("""
            train, held_out = split(my_points, jax.random.key(1))
            runs, results = {}, []
            for seed in (3, 14, 15, 92, 65):
                runs[seed] = experiment(seed, train, training.fit_vae, training.fit_gan)
                results.append([score(held_out, samples) for samples in runs[seed]])
            runs = list(runs.values())
            """),
        },
    ),
]
