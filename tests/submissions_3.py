"""Submissions to assignment 3, and the marks they should get."""

from grading import Submission
from submissions_1 import code

SUBMISSIONS = [
    Submission("solution"),
    Submission("blank", blank=True, lost="all", says={"distances_value": "not written yet"}),
    Submission(
        "slips_a",
        {
            "distances": code("""
            def distances(samples, means):
                return ((samples[:, None] - means[None]) ** 2).sum(axis=-1)
            """),
            "high_quality": code("""
            def high_quality(samples, means, std):
                return jnp.linalg.norm(samples[:, None] - means[None], axis=-1).min(axis=1) <= 3
            """),
            "count_modes": code("""
            def count_modes(samples, means, std):
                nearest = jnp.linalg.norm(samples[:, None] - means[None], axis=-1).argmin(axis=1)
                return len(np.unique(nearest))
            """),
            "reverse_kl": code("""
            def reverse_kl(counts):
                shares = counts / counts.sum()
                return jnp.sum(shares * jnp.log2(shares * len(shares)))
            """),
            "samples_needed": "def samples_needed(share, confidence):\n    return math.log(1 - confidence) / math.log(1 - share)",
            "pack": "def pack(x, m):\n    return x.T.reshape(len(x) // m, -1)",
            "append_spread": code("""
            def append_spread(features):
                return jnp.concatenate([features, features.std(axis=1, keepdims=True)], axis=1)
            """),
            "difference_of_means": code("""
            def difference_of_means(a, b):
                return a.mean() - b.mean(), np.sqrt(a.var(ddof=1) + b.var(ddof=1))
            """),
            "evidence": code("""
            chosen, rival = "packs of two", "as it is"
            evidence = {remedy: [(seed, *run(remedy, seed)) for seed in (1, 2)] for remedy in (chosen, rival)}
            """),
        },
        lost={
            "distances_value",
            "high_quality_value",
            "count_modes_value",
            "reverse_kl_of_all",
            "reverse_kl_value",
            "samples_needed_value",
            "pack_of_two",
            "pack_value",
            "append_spread_value",
            "append_spread_gradient",
            "difference_of_means_value",
            "evidence_begun",
            "evidence_complete",
        },
        says={
            "distances_value": "the root is missing",
            "high_quality_value": "held against 3, and not against 3 standard",
            "count_modes_value": "samples of low quality count as well",
            "reverse_kl_of_all": "in bits",
            "reverse_kl_value": "in bits",
            "samples_needed_value": "round up",
            "pack_value": "mix numbers of different examples",
            "append_spread_value": "the spread within each example",
            "append_spread_gradient": "within each example",
            "difference_of_means_value": "does not shrink with the number of seeds",
            "evidence_complete": "has 2 seeds",
        },
    ),
    Submission(
        "slips_b",
        {
            "distances": "def distances(samples, means):\n    return abs(samples[:, None] - means[None]).sum(axis=-1)",
            "high_quality": code("""
            def high_quality(samples, means, std):
                return (abs(samples[:, None] - means[None]) <= 3 * std).all(axis=-1).any(axis=1)
            """),
            "count_modes": "def count_modes(samples, means, std):\n    return len(means)",
            "reverse_kl": code("""
            def reverse_kl(counts):
                counts = counts[counts > 0]
                shares = counts / counts.sum()
                return (shares * jnp.log(shares * len(shares))).sum()
            """),
            "samples_needed": "def samples_needed(share, confidence):\n    return math.ceil(math.log(confidence) / math.log(1 - share))",
            "pack": "def pack(x, m):\n    return jnp.concatenate([x[:-1], x[1:]], axis=1)",
            "append_spread": code("""
            def append_spread(features):
                spread = jnp.full((len(features), 1), features.std(axis=0).mean())
                return jnp.concatenate([features, spread], axis=1)
            """),
            "difference_of_means": "def difference_of_means(a, b):\n    return b.mean() - a.mean(), 1.0",
            "evidence": code("""
            chosen, rival = "packs of two", "as it is"
            evidence = {chosen: [(seed, 8, 0.99) for seed in range(5)], rival: [(seed, 1, 0.9) for seed in range(5)]}
            """),
        },
        lost={
            "distances_value",
            "high_quality_value",
            "count_modes_value",
            "reverse_kl_value",
            "samples_needed_value",
            "pack_of_two",
            "pack_value",
            "append_spread_gradient",
            "difference_of_means_value",
            "evidence_begun",
            "evidence_complete",
        },
        says={
            "distances_value": "absolute differences",
            "high_quality_value": "a square and not a circle",
            "count_modes_value": "the number of all modes",
            "reverse_kl_value": "the number of all modes",
            "samples_needed_value": "below 1 - confidence",
            "pack_value": "belongs to one pack only",
            "append_spread_gradient": "infinite slope at 0",
            "difference_of_means_value": "the wrong sign",
            "evidence_complete": "a new run gives",
        },
    ),
    Submission(
        "other_ways",
        {
            "distances": code("""
            def distances(samples, means):
                return np.array([[math.dist(x, m) for m in np.asarray(means)] for x in np.asarray(samples)])
            """),
            "high_quality": code("""
            def high_quality(samples, means, std):
                squared = sum((samples[:, i, None] - means[None, :, i]) ** 2 for i in range(2))
                return (squared <= (3 * std) ** 2).any(axis=1)
            """),
            "count_modes": code("""
            def count_modes(samples, means, std):
                found = set()
                for sample in np.asarray(samples):
                    gaps = np.linalg.norm(sample - means, axis=1)
                    if gaps.min() <= 3 * std:
                        found.add(int(gaps.argmin()))
                return len(found)
            """),
            "reverse_kl": code("""
            def reverse_kl(counts):
                shares = counts / counts.sum()
                return jnp.log(len(counts)) - jax.scipy.special.entr(shares).sum()
            """),
            "samples_needed": code("""
            def samples_needed(share, confidence):
                n, missed = 0, 1.0
                while 1 - missed < confidence:
                    n, missed = n + 1, missed * (1 - share)
                return n
            """),
            "pack": "def pack(x, m):\n    return jnp.concatenate([x[i::m] for i in range(m)], axis=1)",
            "append_spread": code("""
            def append_spread(features):
                gaps = features - features.mean(axis=0)
                spread = jax.vmap(lambda column: jnp.sqrt(column @ column / len(column) + 1e-10), 1)(gaps).mean()
                return jnp.pad(features, ((0, 0), (0, 1)), constant_values=spread)
            """),
            "difference_of_means": code("""
            def difference_of_means(a, b):
                gap = np.mean(a) - np.mean(b)
                return np.array([gap, np.hypot(np.std(a, ddof=1) / len(a) ** 0.5, np.std(b, ddof=1) / len(b) ** 0.5)])
            """),
            "evidence": code("""
            chosen, rival, evidence = "spread of the batch", "R1", {}
            for name in (chosen, rival):
                evidence[name] = np.array([[seed, *run(name, seed)] for seed in (3, 14, 15, 92, 65)])
            """),
        },
    ),
]
