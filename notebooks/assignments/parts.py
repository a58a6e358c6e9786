"""What differs between the variants of an assignment; `variants.py` makes them.

A part draws a choice and says which texts of the source it changes. The tests hold that every text
is there, that the model solution of a variant passes, and that it fails in another one.
"""

import dataclasses
import random
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Part:
    """What differs between learners in one place of an assignment.

    Attributes:
      name: of what differs.
      draw: function of a random generator giving a choice.
      changes: function of a choice giving [(old text, new text)], for the cells of these tasks.
      tasks: the headings between which texts are replaced; ("", "") is everywhere.
      cells: grade ids of cells that only the right choice passes; none where a human has to look.
    """

    name: str
    draw: Callable
    changes: Callable
    tasks: tuple[str, str] = ("", "")
    cells: tuple[str, ...] = ()


# Assignment 1


def _rate(rate):
    return [
        ("learning rate of 0.002", f"learning rate of {rate}"),
        ("optax.adam(2e-3)", f"optax.adam({rate})"),
        ("digits.train_images)", f"digits.train_images, learning_rate={rate})"),
        ("digits.test_images)", f"digits.test_images, learning_rate={rate})"),
    ]


def _batch(size):
    pixels = "digits.train_images[:, 400:406]"
    return [
        ("64 pictures", f"{size} pictures"),
        ("(64,)", f"({size},)"),
        (f"{pixels})", f"{pixels}, batch_size={size})"),
    ]


def _price(price):
    return [
        ("make them 20 times dearer", f"make them {price} times dearer"),
        ("`beta = 20`", f"`beta = {price}`"),
    ]


def _plane(seed):
    old = "start, key = models.VAE(key=jax.random.key(2)), jax.random.key(3)"
    return [(old, old.replace("key(2)", f"key({seed})"))]


# Assignment 2: the numbers are those of the list of faults in task 6.

EXCHANGED = "[jnp.zeros(len(real)), jnp.full(len(fake), 0.9)]"
TWO_MEANS = "return 2 * optax.sigmoid_binary_cross_entropy(logits, labels).mean()\n\n    gradients"
LABEL_HINT = (
    "Which label does a real dot have? Read `optax.sigmoid_binary_cross_entropy`: the label is the "
    'probability of "1", and here 1 means real.'
)
OF_D = {
    1: [],
    2: [
        (EXCHANGED, "[jnp.full(len(real), 0.9), jnp.zeros(len(fake))]"),
        (TWO_MEANS, TWO_MEANS.replace("2 * ", "")),
        (LABEL_HINT, "$L_D$ is a sum of two means. What is one mean over both batches?"),
    ],
}
CUT_OFF = (
    "fake = jax.lax.stop_gradient(generator(g_noise))\n"
    "        return losses.generator_loss(discriminator(fake))"
)
LAST_HINT = (
    "`stop_gradient` turns its argument into a constant. On which of the two moves does that do no "
    "harm?",
    "Which $D$, which noise and which loss belong to $G$'s move?",
)
MOVES = "    gradients = jax.grad(d_loss)(("


def _returned(arguments):
    return [(CUT_OFF, f"return losses.generator_loss({arguments})"), LAST_HINT]


OF_G = {
    4: [],
    5: [*_returned("judge(generator(g_noise))"), (MOVES, f"    judge = discriminator\n{MOVES}")],
    6: _returned("discriminator(generator(d_noise))"),
    7: _returned("discriminator(generator(g_noise)), saturating=True"),
}


def _faults(both):
    of_d, of_g = both
    named = [("faults = {1, 3, 4}", f"faults = {{{of_d}, 3, {of_g}}}")]
    return OF_D[of_d] + OF_G[of_g] + named


def _seeds(count):
    def changes(start):
        return [(f"jax.random.key(seed), {count})", f"jax.random.key({start} + seed), {count})")]

    return changes


# Assignment 3


def _reach(reach):
    def check(name):
        answer = f"lambda samples, means, std: {name}(samples, means, std * 3 / {reach})"
        return (f".{name}({name}", f".{name}({answer}")

    if reach == 3:
        return []
    return [
        ("within three standard deviations", f"within {reach} standard deviations"),
        ("within 3 std", f"within {reach} std"),
        ("<= 3 * std", f"<= {reach} * std"),
        check("high_quality"),
        check("count_modes"),
    ]


# Assignment 4


def _dots(seed):
    turn = random.Random(seed)
    dots = [[round(turn.uniform(-2, 2), 2), round(turn.uniform(-2, 2), 2)] for _ in range(12)]
    given = f"first_dots = np.array({dots})"
    return [
        (
            "Draw a pattern of at least 60 dots on the page below,",
            "The customer has set down the first twelve dots; leave them there. Draw a pattern of "
            "at least 60 dots around them on the page below,",
        ),
        ("page = DrawPoints()", f"{given}\npage = DrawPoints()\npage.draw(first_dots)"),
        ("np.concatenate([open_ring, corner])", "np.concatenate([open_ring, corner, first_dots])"),
        (
            "checks.own_data(my_points)",
            f"{given}\nchecks.own_data(my_points, contains=first_dots)",
        ),
    ]


def _one_of(*values):
    return lambda turn: turn.choice(values)


def _start(turn):
    return turn.randrange(100, 100_000, 100)


TRAINING, BROKEN = ("## Task 7", "## Task 8"), ("## Task 6", "## Task 7")
RATES = (0.001, 0.0013, 0.0016, 0.002, 0.0025, 0.003, 0.004, 0.005)
FAULTS = [(of_d, of_g) for of_d in OF_D for of_g in OF_G]
COUNTED = ("high_quality_value", "count_modes_value")
PARTS = {
    "1_the_vae": [
        Part("the learning rate", _one_of(*RATES), _rate, TRAINING, ("train_improves",)),
        Part("the batch", _one_of(*range(40, 100)), _batch, TRAINING, ("train_draws_afresh",)),
        Part("the treasurer's price", _one_of(12, 15, 20, 25, 30), _price),
        Part("the seed of the plane", _start, _plane),
    ],
    "2_the_gan": [
        Part("the faults of the round", _one_of(*FAULTS), _faults, BROKEN, ("faults_named",)),
        Part(
            "the label of real dots",
            _one_of(0.75, 0.8, 0.85, 0.9, 0.95),
            lambda label: [("0.9", str(label))],
            BROKEN,
            ("repaired_labels",),
        ),
        Part("the seeds of the two runs", _start, _seeds(4)),
    ],
    "3_mode_collapse": [
        Part(
            "how near a good scoop is",
            _one_of(2.5, 2.7, 3, 3.3, 3.6, 4),
            _reach,
            ("## Task 2", "## Task 4"),
            COUNTED,
        ),
        Part(
            "the seeds of the machine",
            _start,
            _seeds(5),
            cells=("evidence_begun", "evidence_complete"),
        ),
    ],
    "4_a_fair_comparison": [
        Part(
            "the dots on the page",
            lambda turn: turn.randrange(10**6),
            _dots,
            ("## Task 1", "## Task 2"),
            ("my_points_fit",),
        ),
    ],
}
