"""A plane of latents under the hand: move a point, see what the decoder makes of it."""

from typing import Any

import numpy as np

from vaegan_helpers import plots
from vaegan_helpers.widgets import base, networks, pictures


def _on_the_plane(plane, point):
    z = base.as_latent(point, 2)
    return tuple(float(np.clip(number, -plane.limit, plane.limit)) for number in z)


class LatentPlane(base.Explorer):
    """A point on the plane of two latents, and the picture that each model decodes there.

    The point is dragged, or moved by the arrow keys; Shift makes larger steps, Home goes back to where it
    began.

    Args:
      models: a model with `decode` and z_dim 2, or {name: model} to see several decode the same point.
      codes: encoded examples to show as dots, (n, 2), or None for the prior's circles alone.
      labels: their digits, (n,), which colour the dots.
      limit: the plane reaches from -limit to limit; from the codes unless given.
      point: where to begin.

    Attributes:
      point: the latent under the marker, a tuple of two numbers; may be set.

    Raises:
      ValueError: a model without a decoder, latents that are not two-dimensional, labels that do not fit the
        codes.
    """

    title = "Latent plane"
    _esm = base.script("plane.js")
    point = base.State((0.0, 0.0), _on_the_plane)

    def __init__(
        self,
        models: Any,
        codes: Any = None,
        labels: Any = None,
        *,
        limit: float | None = None,
        point: Any = (0.0, 0.0),
    ):
        self.models = networks.as_models(models, z_dim=2)
        self.codes = None if codes is None else base.as_codes(codes, 2)
        self.labels = base.matching("labels", labels, 0 if self.codes is None else len(self.codes))
        limit = plane_limit(self.codes) if limit is None else limit
        if not limit > 0:
            raise ValueError(f"limit must be positive, got {limit}")
        self.limit, start = limit, base.as_latent(point, 2)
        for model in self.models.values():
            pictures.square(networks.decode(model, start[None])[0])  # said here, not in the page
        self.decoded = {name: self._picture(name) for name in self.models}
        super().__init__(
            self.models,
            {"point": start},
            **plane_data(self.codes, self.labels, limit),
            home=start.tolist(),
            networks={name: networks.decoder(model) for name, model in self.models.items()},
        )

    def _picture(self, name):
        return base.Still(
            lambda: pictures.png(networks.decode(self.models[name], [self.point])[0]),
            lambda: f"The picture decoded at {self._where()} ({name})",
            224 if len(self.models) == 1 else 180,
            name,
        )

    @property
    def pictures(self) -> list[base.Still]:
        return list(self.decoded.values())

    def stored_pictures(self) -> list[base.Still]:
        plane = base.Still(self._plane_png, lambda: self.stored_words, 350, "latent plane")
        return [plane, *self.pictures]

    def _where(self):
        return "latent 1 ≈ {:.2f}, latent 2 ≈ {:.2f}".format(*self.point)

    def words(self) -> tuple[str, str]:
        return f"L{self._where()[1:]}.", nearest_in_words(self.point, self.codes, self.labels)

    def _plane_png(self):
        return plane_png(self.codes, self.labels, self.limit, self.point)


def plane_limit(codes: np.ndarray | None) -> float:
    """How far a plane of latents reaches, so that almost every code lies on it."""
    return 3.0 if codes is None else float(np.ceil(np.quantile(np.abs(codes), 0.998)))


def nearest_in_words(z: Any, codes: np.ndarray | None, labels: np.ndarray | None) -> str:
    """What lies near a point (2,) of the plane."""
    if codes is None:
        return f"Distance to the centre of the prior: {np.linalg.norm(z):.2f}."
    distance = np.linalg.norm(codes - np.asarray(z, np.float32), axis=1)
    nearest = int(distance.argmin())
    kind = "digit" if labels is None else str(labels[nearest])
    return f"The nearest encoded example is a {kind}, {distance[nearest]:.2f} away."


def plane_data(codes: np.ndarray | None, labels: np.ndarray | None, limit: float) -> dict:
    """A plane of latents as `page/plane.js` wants it."""
    classes = []
    if labels is not None:
        with pictures.figure((4, 4)) as fig:  # where the digits stand, so that none covers another
            ax = fig.add_subplot()
            plots.latent_scatter(ax, codes, labels, limit=limit)
            classes = [[int(text.get_text()), *map(float, text.get_position())] for text in ax.texts]
    return {
        "limit": limit,
        "codes": b"" if codes is None else codes.astype("<f4").tobytes(),
        "labels": b"" if labels is None else np.asarray(labels, np.uint8).tobytes(),
        "classes": classes,
    }


def plane_png(codes: np.ndarray | None, labels: np.ndarray | None, limit: float, point: Any) -> bytes:
    """The plane with the point on it, as PNG bytes."""
    with pictures.figure((4, 4), dpi=200) as fig:
        ax = fig.add_axes((0.13, 0.12, 0.85, 0.85))
        ax.tick_params(labelsize=8)
        if labels is not None:
            plots.latent_scatter(ax, codes, labels, size=5, limit=limit)
        elif codes is not None:
            ax.scatter(codes[:, 0], codes[:, 1], s=5, alpha=0.5, linewidths=0, color=plots.COLOURS["encoder"])
        for radius in (1, 2):
            ax.add_patch(plots.circle(radius, linestyle="--"))
        if point is not None:
            ax.plot(*point, "o", ms=10, color="black", clip_on=False)
            ax.plot(*point, "o", ms=7, color=plots.COLOURS["generated"], mec="white", mew=1.5, clip_on=False)
        ax.set(
            xlim=(-limit, limit), ylim=(-limit, limit), xlabel="latent 1", ylabel="latent 2", aspect="equal"
        )
        ax.xaxis.labelpad = ax.yaxis.labelpad = 1
        return pictures.figure_png(fig)
