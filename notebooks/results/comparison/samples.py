"""Quality and diversity of samples, and how a run ends."""

import jax
import numpy as np
from vaegan_helpers import metrics

from comparison.players import classifier, digits

SAMPLES, SHARE = 2000, 500  # samples are judged in shares as large as the set of held-out digits
# A run ends well if nothing became infinite, every digit has at least 2 % of the samples (a fifth
# of its fair share), and precision and recall are both at least one half. Written down before any
# of these seeds was run.
WELL = {"rarest_share": 0.02, "precision": 0.5, "recall": 0.5}
MOMENTS = [0, 1, 2, 4, 8, 12, 16, 20]  # of the 20 pieces; measured while training


def judge_in(real, fake):
    """Precision, recall, density, coverage and the Fréchet distance in any features.

    Means over shares of 500 samples.
    """
    real, fake = np.asarray(real), np.asarray(fake)
    shares = [fake[i : i + SHARE] for i in range(0, len(fake), SHARE)]
    found = [metrics.precision_recall(real, share)._asdict() for share in shares]
    return {name: np.mean([each[name] for each in found]) for name in found[0]} | {
        "frechet": np.mean([metrics.frechet_distance(real, share) for share in shares])
    }


def judge(samples):
    """Quality and diversity of pictures against the held-out digits, in the judge's features."""
    features = classifier().features
    balance = metrics.class_balance(classifier().predict(samples))
    return judge_in(features(digits.test_images), features(samples)) | {
        "sharpness": np.mean(metrics.sharpness(samples)),
        "effective_classes": balance.effective,
        "rarest_share": balance.counts.min() / len(samples),
    }


def copies(samples):
    """Mean distance in pixels from a sample to the nearest training digit, over the same for held-
    out digits.
    """
    near, _ = metrics.nearest_neighbours(samples, digits.train_images)
    held_out, _ = metrics.nearest_neighbours(digits.test_images, digits.train_images)
    return near.mean() / held_out.mean()


def ends_well(found):
    return bool(
        all(np.isfinite(found[name]) and found[name] >= limit for name, limit in WELL.items())
    )


def while_training(snapshots, decode, noise):
    """A few columns of `judge` at each of the moments: {name: [value at each moment]}."""
    judged = [judge(np.asarray(decode(snapshots[moment], noise))) for moment in MOMENTS]
    return {
        name: [found[name] for found in judged]
        for name in ("sharpness", "precision", "recall", "coverage", "frechet")
    }


def samples_of(model, key):
    return np.asarray(model.decode(jax.random.normal(key, (SAMPLES, model.z_dim))))
