"""You are the discriminator: real or generated, one by one; then a drawing of your own to fool it."""

from typing import Any

import numpy as np

from vaegan_helpers.widgets import base, networks, noise, pictures
from vaegan_helpers.widgets.drawing import as_strokes, prepared

MOST = 500  # real pictures that the page is given to choose from


def _as_answers(game, answers):
    if len(answers) > game.rounds or not all(isinstance(answer, (bool, np.bool_)) for answer in answers):
        raise ValueError(f"answers are at most {game.rounds} of True (real) and False, got {answers!r}")
    return [bool(answer) for answer in answers]


class DiscriminatorGame(base.Explorer):
    """Real or generated? One picture after the other, your score beside D's; then draw to fool it.

    Args:
      generator: decodes latents to digits, with z_dim.
      discriminator: digits (n, 784) to logits (n,): above 0 it says "real". It judges one picture at a time.
      images: real digits, (n, 784).
      rounds: pictures in a game.
      seed: of the first game; half of the pictures are real, on average.

    Attributes:
      answers: yours so far, a list: True for "real"; may be set.
      seed: may be set, which begins a new game; `rounds` stay.
      strokes: your drawing, a list of lines, each a list of points (x, y) in [0, 28]; may be set.
      examples, truth: the game's pictures (rounds, 784) and whether each is real, (rounds,).
      verdicts: the probability that the discriminator gives to "real", (rounds,).
      score: how many answers were right, yours and the discriminator's on the same pictures.
      verdict: the probability for your drawing.

    Raises:
      ValueError: a model without a decoder, a discriminator that judges several pictures at once, images that
        are no digits, rounds below 1.
    """

    title = "You are the discriminator"
    _esm = base.script("game.js")
    answers = base.State([], _as_answers)
    seed = base.State(0, lambda _, seed: base.as_seed(seed))
    strokes = base.State([], as_strokes)

    def __init__(self, generator: Any, discriminator: Any, images: Any, *, rounds: int = 20, seed: int = 0):
        networks.as_model(generator)
        networks.require_finite_weights("discriminator", discriminator)
        if not callable(discriminator) or getattr(discriminator, "packing", 1) > 1:
            kind = type(discriminator).__name__
            raise ValueError(f"wanted a discriminator of single pictures, got {kind} of several")
        if getattr(discriminator, "minibatch_std", False):
            raise ValueError(
                "wanted a discriminator of single pictures, got one that compares within a batch"
            )
        if not isinstance(rounds, (int, np.integer)) or rounds < 1:
            raise ValueError(f"rounds must be a whole number of at least 1, got {rounds!r}")
        images = base.as_codes(images, 784)
        self.images = images[noise.choice(0, len(images), MOST)]
        self.rounds = int(rounds)
        self.generator, self.discriminator = generator, discriminator
        alt = lambda: f"Real or generated? {self.words()[0]}"  # noqa: E731
        self.shown = base.Still(lambda: pictures.png(self.examples[self._at()]), alt)
        self.drawn = base.Still(self._drawn_png, lambda: "Your drawing, as the discriminator gets it.", 196)
        super().__init__(
            {"generator": generator, "discriminator": discriminator},
            {"seed": seed},
            generator=networks.decoder(generator),
            discriminator=networks.discriminator(discriminator),
            images=base.in_bytes(self.images),
            count=len(self.images),
            z_dim=generator.z_dim,
            rounds=self.rounds,
        )
        self.observe(lambda _: setattr(self, "answers", []), "seed")

    @property
    def truth(self) -> np.ndarray:
        return noise.uniform(self.seed, self.rounds, 11) < 0.5

    @property
    def examples(self) -> np.ndarray:
        order = noise.choice(self.seed, len(self.images), self.rounds)
        real = self.images[np.resize(order, self.rounds)]
        latents = noise.normal(self.seed, self.rounds * self.generator.z_dim).reshape(self.rounds, -1)
        return np.where(self.truth[:, None], real, networks.decode(self.generator, latents))

    @property
    def verdicts(self) -> np.ndarray:
        return 1 / (1 + np.exp(-networks.judge(self.discriminator, self.examples)))

    @property
    def score(self) -> tuple[int, int]:
        n = len(self.answers)
        right = self.truth[:n]
        yours, its = np.array(self.answers, bool), self.verdicts[:n] > 0.5
        return int((yours == right).sum()), int((its == right).sum())

    @property
    def verdict(self) -> float:
        if not self.strokes:
            raise ValueError("the page is empty: draw a digit first")
        return float(1 / (1 + np.exp(-networks.judge(self.discriminator, prepared(self.strokes)[None])[0])))

    def _at(self):
        return min(len(self.answers), self.rounds - 1)

    def _drawn_png(self):
        return pictures.png(prepared(self.strokes) if self.strokes else np.zeros(784))

    @property
    def pictures(self):
        return [self.shown, self.drawn]

    def stored_pictures(self):
        return [self.shown]

    def words(self):
        n = len(self.answers)
        place = f"Picture {n + 1} of {self.rounds}." if n < self.rounds else f"All {n} pictures are judged."
        if not n:
            return f"{place} Real or generated?", ""
        yours, its = self.score
        return place, f"You were right {yours} of {n} times, the discriminator {its} of {n} times."
