"""One slider for each dimension of the latents, the most active first."""

from typing import Any

import numpy as np

from vaegan_helpers.widgets import base, networks, pictures


class _Slider:
    """One dimension under its slider: `value` may be set."""

    def __init__(self, traversal, k):
        self._traversal, self._k = traversal, k

    @property
    def value(self) -> float:
        return float(self._traversal.z[self._k])

    @value.setter
    def value(self, value):
        z = self._traversal.z
        z[self._k] = value
        self._traversal.z = z


class Traversal(base.Explorer):
    """One slider for each latent dimension, the most active first.

    How active a dimension is, the variance of the codes along it says: near 0 the encoder ignores it.

    Args:
      model: decodes the latents.
      codes: encoded examples (posterior means), (n, z_dim).
      start: which example to begin with.
      limit: the sliders reach from -limit to limit.
      most: at most so many sliders; the other dimensions keep the values of the example.

    Attributes:
      z: the latent shown, (z_dim,); may be set.
      start: the index of the example; setting it moves `z` there.
      sliders: for each dimension with a slider an object whose `value` may be set.
      order: the dimensions, most active first.
      activity: variance of the codes along each dimension, (z_dim,).

    Raises:
      ValueError: a model without a decoder, codes that do not fit it, an index out of range.
    """

    title = "Traversal"
    _esm = base.script("traversal.js")
    start = base.State(0, lambda self, index: base.as_index(index, len(self.codes)))
    moved = base.State(
        [], lambda self, z: [] if len(z) == 0 else base.as_latent(z, self.model.z_dim).tolist()
    )

    def __init__(self, model: Any, codes: Any, *, start: int = 0, limit: float = 3.0, most: int = 16):
        self.model = networks.as_model(model)
        self.codes = base.as_codes(codes, self.model.z_dim)
        if not limit > 0 or most < 1:
            raise ValueError(f"limit must be positive and most at least 1, got {limit} and {most}")
        self.activity = self.codes.var(axis=0)
        self.order = np.argsort(-self.activity, kind="stable")
        shown = [int(k) for k in self.order[:most]]
        self.sliders = {k: _Slider(self, k) for k in shown}
        self.before = base.Still(
            lambda: self._png(self.origin),
            lambda: f"Digit no. {self.start} decoded from its code",
            160,
            "start",
        )
        self.after = base.Still(
            lambda: self._png(self.z), lambda: f"The picture decoded now. {self._moves()}", 224, "now"
        )
        super().__init__(
            {"model": model},
            {"start": start},
            network=networks.decoder(model),
            codes=self.codes.astype("<f4").tobytes(),
            count=len(self.codes),
            limit=limit,
            sliders=[[k, f"latent {k + 1} (variance {self.activity[k]:.2f})"] for k in shown],
        )
        self.observe(self.reset, "start")

    @property
    def pictures(self) -> list[base.Still]:
        return [self.before, self.after]

    @property
    def origin(self) -> np.ndarray:
        """The code of the example that it starts at, (z_dim,)."""
        return self.codes[self.start]

    @property
    def z(self) -> np.ndarray:
        return np.array(self.moved or self.origin, np.float32)

    @z.setter
    def z(self, z: np.ndarray) -> None:
        self.moved = base.as_latent(z, self.model.z_dim).tolist()

    def begin_at(self, index: int) -> None:
        """Starts at an encoded example, by its index."""
        self.start = index
        self.reset()

    def reset(self, _: Any = None) -> None:
        """Sets every slider back to the example's code."""
        self.moved = []

    def _png(self, z):
        return pictures.png(networks.decode(self.model, z[None])[0])

    def _moves(self):
        away = np.abs(self.z - self.origin)
        moves = [f"latent {k + 1} = {self.z[k]:.2f}" for k in self.sliders if away[k] > 1e-6]
        return "Moved: " + ", ".join(moves) if moves else "Nothing moved yet"

    def words(self) -> tuple[str, str]:
        return f"{self._moves()}. Distance from the start: ≈ {np.linalg.norm(self.z - self.origin):.2f}.", ""
