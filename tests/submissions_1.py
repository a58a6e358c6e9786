"""Submissions to assignment 1, and the marks they should get.

Slips, other right ways, and files gone wrong.
"""

import copy
import textwrap

from grading import Submission, find, marks_of


def code(text):
    return textwrap.dedent(text).strip()


def bend_cells(notebook):
    """Cells deleted, copied, changed in type, tagged, edited, without their marks; but for one, the answers
    are there.
    """
    gone = {"standard_deviation", "standard_deviation_value", "reparameterise_noise", "vae_loss_weight"}
    notebook.cells = [cell for cell in notebook.cells if marks_of(cell).get("grade_id") not in gone]
    twice = copy.deepcopy(find(notebook, "kl"))
    notebook.cells.insert(notebook.cells.index(find(notebook, "kl")), twice)  # a copy above, with the same id
    notebook.cells.append(copy.deepcopy(find(notebook, "kl_value")))  # and one at the end
    for name, kind in [("log_likelihood", "raw"), ("nats_per_latent_value", "markdown")]:
        cell = find(notebook, name)
        cell.cell_type = kind
        del cell["outputs"], cell["execution_count"]
    find(notebook, "vae_loss").metadata = {}
    find(notebook, "vae_loss_value").metadata["nbgrader"] = {"grade_id": "vae_loss_value"}
    find(notebook, "land_value").metadata["tags"] = ["skip-execution"]
    find(notebook, "nearest_label_value").source = "pass   # full marks, please"
    find(notebook, "train_improves").metadata["nbgrader"]["points"] = 1_000
    find(notebook, "treasurer").metadata["nbgrader"]["grade_id"] = "another_name"


def without_any_marks(notebook):
    """As some editors save it: nbgrader's metadata is gone from every cell."""
    for cell in notebook.cells:
        cell.metadata = {}


def no_notebook(notebook, place):
    place.write_text('{"cells": [')


SUBMISSIONS = [
    Submission("solution"),
    Submission("blank", blank=True, lost="all", says={"kl_value": "The KL: not written yet"}),
    Submission(
        "slips_a",
        {
            "standard_deviation": "def standard_deviation(logvar):\n    return jnp.exp(logvar)",
            "reparameterise": code("""
            def reparameterise(mean, logvar, key):
                return mean + jnp.exp(logvar) * jax.random.normal(key, mean.shape)
            """),
            "kl": "def kl(mean, logvar):\n    return jnp.sum(mean**2 + jnp.exp(logvar) - 1 - logvar, axis=1)",
            "log_likelihood": code("""
            def log_likelihood(logits, x):
                p = jax.nn.sigmoid(logits)
                return jnp.sum(x * jnp.log(p) + (1 - x) * jnp.log(1 - p), axis=1)
            """),
            "vae_loss": code("""
            def vae_loss(model, x, key, beta):
                mean, logvar = model.encode(x)
                z = losses.reparameterise(mean, logvar, key)
                rate = losses.kl_to_standard_normal(mean, logvar)
                return jnp.mean(-losses.bernoulli_log_likelihood(model.decoder(z), x) - beta * rate)
            """),
            "train": "def train(loss, model, images, key, steps):\n    return model",
            "land": code("""
            def land(codes, labels, points):
                squared_distance = jnp.sum((points[:, None] - codes[None]) ** 2, axis=-1)
                return jnp.bincount(labels[jnp.argmin(squared_distance, axis=1)], minlength=10)
            """),
        },
        lost={
            "standard_deviation_value",
            "reparameterise_formula",
            "kl_of_unit_clouds",
            "kl_value",
            "log_likelihood_large_logits",
            "vae_loss_value",
            "train_improves",
            "train_draws_afresh",
            "land_value",
        },
        says={
            "standard_deviation_value": "this is the variance",
            "kl_of_unit_clouds": "2.0 times too large",
            "kl_value": "2.0 times too large",
            "vae_loss_value": "the KL is added to the surprise",
            "train_improves": "returned the model that went in",
            "train_draws_afresh": "never called the loss",
            "land_value": "these are counts",
        },
    ),
    Submission(
        "slips_b",
        {
            "reparameterise": code("""
            def reparameterise(mean, logvar, key):
                return mean + jnp.exp(0.5 * logvar) * jax.random.normal(key, (mean.shape[1],))
            """),
            "kl": code("""
            def kl(mean, logvar):
                return jnp.squeeze(0.5 * jnp.sum(mean**2 + jnp.exp(logvar) - 1 - logvar, axis=1))
            """),
            "nats_per_latent": code("""
            def nats_per_latent(mean, logvar):
                return jnp.sum(0.5 * (mean**2 + jnp.exp(logvar) - 1 - logvar), axis=0)
            """),
            "log_likelihood": code("""
            def log_likelihood(logits, x):
                return jnp.sum(x * jnp.log(logits) + (1 - x) * jnp.log(1 - logits), axis=1)
            """),
            "vae_loss": code("""
            def vae_loss(model, x, key, beta):
                mean, logvar = model.encode(x)
                z = losses.reparameterise(mean, logvar, key)
                rate = losses.kl_to_standard_normal(mean, logvar)
                return jnp.mean(-beta * losses.bernoulli_log_likelihood(model.decoder(z), x) + rate)
            """),
            "train": code("""
            def train(loss, model, images, key, steps):
                optimizer = optax.adam(2e-3)
                state = optimizer.init(model)
                move = jax.jit(lambda m, s, batch: optimizer.update(jax.grad(loss)(m, batch, key), s))
                for step in range(steps):
                    rows = jax.random.randint(jax.random.fold_in(key, step), (64,), 0, len(images))
                    updates, state = move(model, state, jnp.asarray(images)[rows])
                    model = optax.apply_updates(model, updates)
                return model
            """),
            "nearest_label": "def nearest_label(codes, labels, points):\n    return jnp.argmin("
            "jnp.sum((points[:, None] - codes[None]) ** 2, axis=-1), axis=1)",
        },
        lost={
            "reparameterise_noise",
            "kl_of_unit_clouds",
            "kl_value",
            "nats_per_latent_value",
            "log_likelihood_value",
            "log_likelihood_large_logits",
            "vae_loss_weight",
            "vae_loss_draw",
            "train_draws_afresh",
            "nearest_label_value",
        },
        says={
            "reparameterise_noise": "shared over the batch",
            "kl_value": "has shape (); wanted (1,)",  # by the hidden test alone
            "log_likelihood_value": "took logits for probabilities",
            "vae_loss_weight": "beta stands on the reconstruction",
            "train_draws_afresh": "used a key twice",
            "nearest_label_value": "not its label",
        },
    ),
    # raises, wrong name, wrong type, wrong shape, NaN, mistyped: each where it stands, and the rest is marked
    Submission(
        "accidents",
        {
            "standard_deviation": "def standard_deviation(logvar):\n    return jnp.exp(0.5 * logvars)",
            "reparameterise": "def reparametrize(mean, logvar, key):\n    return mean",
            "kl": "def kl(mean, logvar):\n    return 'not a number'",
            "nats_per_latent": "import time\ndef nats_per_latent(mean, logvar):\n    while True:\n        time.sleep(0.1)",
            "log_likelihood": "def log_likelihood(logits, x):\n    return jnp.nan * jnp.sum(logits, axis=1)",
            "vae_loss": "def vae_loss(model, x, key, beta):\n    mean, logvar = model.encode(x\n    return 0",
            "train": "def train(loss, model, images, key, steps):\n    raise SystemExit",
            "nearest_label": "nearest_label = None",
            "land": "def land(codes, labels, points):\n    print('here I am')",
        },
        lost="all",
        patience=8,
        says={
            "standard_deviation_value": "NameError: name 'logvars' is not defined",
            "kl_value": "it is of type str",
            "reparameterise_formula": "name 'reparameterise' is not defined",
            "log_likelihood_value": "not a number (NaN)",
            "nats_per_latent_value": "still running after",
            "train_improves": "SystemExit",
            "nearest_label_value": "should be a function; it is None",
            "land_value": "is there a `return`?",
        },
    ),
    # the first loop is cut off, the second swallows what is thrown at it; what stands between them has its
    # marks
    Submission(
        "never_ends",
        {
            "standard_deviation": "import time\nwhile True:\n    time.sleep(1)",
            "kl": "def kl(mean, logvar):\n    return jnp.sum(mean**2 + jnp.exp(logvar) - 1 - logvar, axis=1) / 2",
            "nats_per_latent": code("""
            while True:
                try:
                    while True: time.sleep(1)
                except BaseException: pass
            """),
        },
        blank=True,
        cut={"standard_deviation": 3, "nats_per_latent": 3},
        lost={
            "standard_deviation_value",
            "reparameterise_formula",
            "reparameterise_noise",
            "reparameterise_gradient",
            "nats_per_latent_value",
            "log_likelihood_value",
            "log_likelihood_large_logits",
            "vae_loss_value",
            "vae_loss_weight",
            "vae_loss_draw",
            "train_improves",
            "train_draws_afresh",
            "nearest_label_value",
            "land_value",
        },
        says={
            "standard_deviation_value": "No reply from kernel before timeout",
            "land_value": "answered no more",
        },
    ),
    # the kernel dies halfway: that costs one cell; above it a slip costs the gradient and nothing else
    Submission(
        "kernel_dies",
        {
            "reparameterise": code("""
            def reparameterise(mean, logvar, key):
                return jax.lax.stop_gradient(mean + jnp.exp(0.5 * logvar) * jax.random.normal(key, mean.shape))
            """),
            "nats_per_latent": "import os\nos._exit(1)",
        },
        lost={"reparameterise_gradient", "nats_per_latent_value"},
        says={
            "reparameterise_gradient": "is there a stop_gradient",
            "nats_per_latent_value": "The kernel died",
        },
    ),
    Submission(
        "cells_bent",
        bend=bend_cells,
        lost={"standard_deviation_value"},
        says={
            "standard_deviation_value": "name 'standard_deviation' is not defined",
            "reparameterise_noise": "The next cell was missing from the submission; it was put back.",
        },
    ),
    Submission(
        "no_notebook", bend_file=no_notebook, lost="all", says={"kl_value": "could not be read as a notebook"}
    ),
    # Right in other ways: NumPy where it does, other formulas, a scan, an nnx.Optimizer, warnings on stderr;
    # the second as some editors save it, without nbgrader's marks.
    Submission(
        "right_b",
        {
            "standard_deviation": "def standard_deviation(logvar):\n    return jnp.sqrt(jnp.exp(logvar))",
            "reparameterise": code("""
            def reparameterise(mean, logvar, key):
                first, second = jax.random.split(key)
                noise = jax.random.normal(second, (mean.shape[0], mean.shape[1]))
                return mean - noise * jnp.exp(logvar) ** 0.5
            """),
            "kl": code("""
            def kl(mean, logvar):
                mean, variance = np.asarray(mean), np.exp(np.asarray(logvar))
                return [0.5 * sum(m**2 + v - 1 - np.log(v) for m, v in zip(*row)) for row in zip(mean, variance)]
            """),
            "nats_per_latent": code("""
            import warnings
            def nats_per_latent(mean, logvar):
                warnings.warn("this is only a warning")
                total = 0
                for m, l in zip(mean, logvar):
                    total = total + (m**2 + jnp.exp(l) - 1 - l) / 2
                return total / len(mean)
            """),
            "log_likelihood": code("""
            def log_likelihood(logits, x):
                return (x * logits - jnp.logaddexp(0, logits)).sum(-1)
            """),
            "vae_loss": code("""
            import sys
            print("something on stderr", file=sys.stderr)
            def one(model, picture, key, beta):
                mean, logvar = model.encode(picture[None])
                z = mean + jnp.exp(logvar / 2) * jax.random.normal(key, mean.shape)
                cost = optax.sigmoid_binary_cross_entropy(model.decoder(z), picture[None]).sum()
                return cost + beta * 0.5 * (jnp.exp(logvar) + mean**2 - 1 - logvar).sum()
            def vae_loss(model, x, key, beta):
                keys = jax.random.split(key, len(x))
                return jax.vmap(lambda picture, key: one(model, picture, key, beta))(x, keys).mean()
            """),
            "train": code("""
            def train(loss, model, images, key, steps):
                images, optimizer = jnp.asarray(images), optax.adamw(2e-3)
                def move(carry, key):
                    model, state = carry
                    rows, noise = jax.random.split(key)
                    batch = jax.random.choice(rows, images, (64,), replace=False)
                    value, slope = jax.value_and_grad(loss)(model, batch, noise)
                    change, state = optimizer.update(slope, state, model)
                    return (optax.apply_updates(model, change), state), value
                (model, _), _ = jax.lax.scan(move, (model, optimizer.init(model)), jax.random.split(key, steps))
                return model
            """),
            "nearest_label": code("""
            from scipy.spatial import KDTree
            def nearest_label(codes, labels, points):
                return np.asarray(labels)[KDTree(codes).query(points)[1]].tolist()
            """),
            "land": code("""
            def land(codes, labels, points):
                nearest = [int(labels[np.linalg.norm(codes - point, axis=1).argmin()]) for point in np.asarray(points)]
                return np.array([nearest.count(digit) for digit in range(10)]) / len(nearest)
            """),
        },
    ),
    Submission(
        "right_c",
        {
            "standard_deviation": "standard_deviation = lambda logvar: jnp.power(jnp.e, logvar / 2)",
            "reparameterise": code("""
            def reparameterise(mean, logvar, key):
                covariances = jax.vmap(jnp.diag)(jnp.exp(logvar))
                return jax.random.multivariate_normal(key, mean, covariances)
            """),
            "kl": "def kl(mean, logvar):\n    return losses.kl_monte_carlo(mean, logvar, jax.random.key(0), 1).sum() * 0 + "
            "jnp.einsum('bz->b', (mean * mean + jnp.expm1(logvar) - logvar) / 2)",
            "log_likelihood": code("""
            def log_likelihood(logits, x):
                return (x * jax.nn.log_sigmoid(logits) + (1 - x) * jax.nn.log_sigmoid(-logits)).sum(axis=1)
            """),
            "vae_loss": code("""
            def vae_loss(model, x, key, beta=1.0):
                return losses.vae_loss(model, x, key, beta)[0]
            """),
            "train": code("""
            from flax import nnx
            def train(loss, model, images, key, steps):
                model = nnx.clone(model)
                optimizer = nnx.Optimizer(model, optax.adam(2e-3), wrt=nnx.Param)
                @nnx.jit
                def move(model, optimizer, batch, key):
                    optimizer.update(model, nnx.grad(loss)(model, batch, key))
                chosen = np.random.default_rng(np.asarray(jax.random.key_data(key)))
                for step in range(steps):
                    key, noise_key = jax.random.split(key)
                    move(model, optimizer, jnp.asarray(images[chosen.permutation(len(images))[:64]]), noise_key)
                return model
            """),
        },
        bend=without_any_marks,
    ),
]
