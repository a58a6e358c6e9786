"""The board of the training stage: which pictures and charts there are, and how a view of the state becomes them."""

import ipywidgets
import numpy as np

from vaegan_helpers import plots
from vaegan_helpers.stage.page import diagram, pictures
from vaegan_helpers.stage.page.pictures import SIDE, Chart, Plane
from vaegan_helpers.stage.page import old_base as base

C = plots.COLOURS
# layer: (label, sign that stands for it in the pictures, colour, its arrays in the view of the state)
LAYERS = {
    "real": ("Real samples", "●", C["real"], "real"),
    "generated": ("Generated samples", "●", C["generated"], "generated"),
    "surface": ("D's surface", "■", "#B9B9B9", "surface"),
    "optimum": ("Exact optimum", "■", "#B9B9B9", "optimum"),
    "manifold": ("G's warped grid", "▦", C["generated"], "manifold"),
    "arrows": ("Pull of G's loss", "➝", "#222222", "arrows"),
    "decoded": ("VAE: decoder's outputs", "◆", C["decoder"], "vae_mean"),
    "vae_grid": ("VAE: warped grid", "▦", C["decoder"], "vae_manifold"),
    "links": ("VAE: reconstructions", "╱", C["decoder"], "vae_reconstructions"),
    "ellipses": ("VAE: posteriors", "○", C["encoder"], "vae_ellipses"),
}
PLANES = {
    "game": "GAN: what D says everywhere",
    "optimum": "Exact optimum p / (p + q)",
    "vae": "VAE: what the decoder makes",
    "codes": "VAE: codes of the data",
}
WIDTHS = {1: 400, 2: 335, 3: 325, 4: 238}  # of a plane, by how many there are
# chart: (title, where its numbers come from, {name there: (label, colour, line)}, options)
CHARTS = {
    "losses": (
        "Losses, nats",
        "history",
        {"discriminator_loss": ("D", C["discriminator"], "-"), "generator_loss": ("G", C["generated"], "-")},
        {},
    ),
    "outputs": (
        "D's mean output",
        "history",
        {"real_output": ("on real", C["real"], "-"), "fake_output": ("on generated", C["generated"], "-")},
        {"limits": (0.0, 1.0), "lines": (0.5,)},
    ),
    "gradients": (
        "Gradient norms",
        "history",
        {
            "discriminator_gradient_norm": ("of D", C["discriminator"], "-"),
            "generator_gradient_norm": ("of G", C["generated"], "-"),
        },
        {"log": True},
    ),
    "modes": (
        "Modes covered",
        "measured",
        {"modes": ("GAN", C["generated"], "-"), "vae_modes": ("VAE", C["decoder"], "--")},
        {"whole": True},
    ),
    "divergences": (
        "KL and JS, nats",
        "measured",
        {
            "kl": ("KL", C["generated"], "-"),
            "js": ("JS", C["generated"], ":"),
            "vae_kl": ("VAE: KL", C["decoder"], "-"),
            "vae_js": ("JS", C["decoder"], ":"),
        },
        {"log": True},
    ),
    "vae": (
        "VAE's loss, nats",
        "history",
        {"vae_reconstruction": ("reconstruction", C["decoder"], "-"), "vae_kl": ("KL", C["encoder"], "-")},
        {},
    ),
}
# What a part of the slow motion is about, as layers of the pictures.
ABOUT = {
    "real_output": ("real", "surface"),
    "fake_output": ("generated", "surface"),
    "vae_ellipses": ("ellipses",),
    "vae_codes": ("codes",),
    "vae_decoded": ("decoded",),
    "vae_reconstructions": ("links", "decoded"),
}
OTHERS = {
    "game": ("surface", "manifold", "arrows"),
    "optimum": (),
    "vae": ("vae_grid", "links"),
    "codes": ("ellipses",),
}
CODES = (-3.5, 3.5, -3.5, 3.5)  # the plane of the codes
DEFAULT = (
    "real",
    "generated",
    "surface",
    "optimum",
    "arrows",
    "decoded",
    "losses",
    "outputs",
    "gradients",
    "modes",
    "divergences",
)
WITH_PRESET = {"posterior collapse": {"ellipses", "decoded", "vae"}}  # switched on besides


def checked(names=None, preset=None):
    """Names of layers and charts as a set; the default ones, and those of a preset, without any.

    Raises:
      ValueError: an unknown name.
    """
    known = {*LAYERS, *CHARTS}
    names = set(DEFAULT) | WITH_PRESET.get(preset, set()) if names is None else set(names)
    if names - known:
        raise ValueError(
            f"layers are {', '.join(sorted(known))}; got {', '.join(sorted(map(str, names - known)))}"
        )
    return names


class Board:
    """Planes, charts and diagram, each shown or not.

    Attributes:
      planes, charts: {name: base.Picture}.
      layers: names of the layers and charts that are switched on.
      box: everything, for the page.
    """

    def __init__(self, shown):
        self.layers, self.slow = set(shown), False
        self._planes = {
            "game": Plane(),
            "optimum": Plane(),
            "vae": Plane(colour="decoder"),
            "codes": Plane("code 1", "code 2"),
        }
        self.planes = {name: base.Picture(heading, SIDE) for name, heading in PLANES.items()}
        self.charts = {name: base.Picture(width=Chart.WIDTH) for name in CHARTS}
        self._charts = {
            name: Chart(title, series, **options) for name, (title, _, series, options) in CHARTS.items()
        }
        self.diagrams = ipywidgets.HTML()
        self._trains = None
        for picture in (*self.planes.values(), *self.charts.values()):
            picture.add_class("vg-smooth")
            picture.image.layout.width = "100%"
        self.plane_box, self.chart_box = (
            ipywidgets.Box(list(group.values())) for group in (self.planes, self.charts)
        )
        self.plane_box.add_class("vg-planes")
        self.chart_box.add_class("vg-charts")
        self.arrange()

    def arrange(self):
        """Shows the planes and charts that are switched on, in a size that suits their number."""
        planes = [name for name in PLANES if self.has_plane(name)]
        width = WIDTHS[len(planes)]
        for name, picture in self.planes.items():
            picture.layout.display = None if name in planes else "none"
            picture.layout.width, picture.width = f"{width}px", width
        charts = [name for name in CHARTS if name in self.layers]
        for name, picture in self.charts.items():
            picture.layout.display = None if name in charts else "none"
        self.chart_box.layout.display = None if charts else "none"

    def has_plane(self, name):
        """Whether a plane is shown: the game always, the others with a layer that is theirs."""
        own = {"optimum": {"optimum"}, "vae": {"decoded", "vae_grid", "links"}, "codes": {"ellipses"}}
        if name == "codes" and self.slow and self.has_plane("vae"):
            return True  # the slow motion goes through the encoder as well
        return name == "game" or not own[name].isdisjoint(self.layers)

    def shown(self):
        """The pictures that are on the page, in order."""
        return [
            picture
            for picture in (*self.planes.values(), *self.charts.values())
            if picture.layout.display != "none"
        ]

    def sent(self):
        """The widgets whose state a page needs in order to be up to date."""
        return [self.diagrams, *(picture.image for picture in self.shown())]

    def needs(self):
        """Names of the arrays that the planes need of a view of the state."""
        layers = self.layers | ({"ellipses"} if self.has_plane("codes") else set())
        return {LAYERS[name][3] for name in layers if name in LAYERS}

    def draw_planes(self, view, part=None, fast=False):
        """Draws every plane that is shown.

        Args:
          view: arrays by their names in `engine.LAYERS`, and "extent".
          part: a `engine.Phase` of the slow motion, whose arrays replace those of the view and stand in the light.
          fast: JPEG instead of PNG.
        """
        arrays = {
            name: view[key]
            for name, (*_, key) in LAYERS.items()
            if key in view and (name in self.layers or name == "ellipses")
        }
        light = ()
        if part is not None:
            light = tuple(layer for name in part.highlight for layer in ABOUT.get(name, (name,)))
            arrays |= self._of_part(part.arrays, light)

        def put(name, points, extent=view["extent"], **parts):
            if self.has_plane(name):
                lit = light if set(light) & {*points, *OTHERS[name]} else ()
                picture = self._planes[name].draw(
                    extent,
                    points={each: arrays.get(each) for each in points},
                    highlight=lit,
                    fast=fast,
                    **parts,
                )
                with self.planes[name].image.hold_sync():
                    self.planes[name].image.format = "jpeg" if fast else "png"
                    self.planes[name].image.value = picture

        put(
            "game",
            ("noise", "real", "generated"),
            surface=arrays.get("surface"),
            manifold=arrays.get("manifold"),
            arrows=arrays.get("arrows"),
        )
        put("optimum", ("real", "generated"), surface=arrays.get("optimum"))
        put("vae", ("real", "decoded"), manifold=arrays.get("vae_grid"), links=arrays.get("links"))
        put("codes", ("codes",), CODES, ellipses=arrays.get("ellipses"), circles=(1, 2))

    @staticmethod
    def _of_part(arrays, light):
        """A part's arrays as layers: the surface and what is in the light, also if it is switched off."""
        names = {
            "vae_real": "real",
            "vae_ellipses": "ellipses",
            "vae_codes": "codes",
            "vae_decoded": "decoded",
            "vae_reconstructions": "links",
        }
        layers = {names.get(name, name): array for name, array in arrays.items()}
        if "links" in layers:
            layers |= {"real": layers["links"][:, 0], "decoded": layers["links"][:, 1]}
        if "noise" in layers:
            layers["noise"] = layers["noise"][:, -2:]
            if layers["noise"].shape[1] < 2:
                del layers["noise"]
        return layers

    def draw_charts(self, history, measured, now, modes):
        """Draws every chart that is shown from the curves of the rounds and from what was measured."""
        rounds = np.arange(1, 1 + len(next(iter(history.values()))))
        self._charts["modes"].limits = (0.0, 1.05 * modes)
        for name, (_, source, series, _) in CHARTS.items():
            if name in self.layers:
                steps, values = (rounds, history) if source == "history" else (measured["step"], measured)
                self.charts[name].image.value = self._charts[name].draw(
                    dict.fromkeys(series, steps), {key: values[key] for key in series}, now
                )

    def show_networks(self, trains):
        """Puts the networks that learn into the light."""
        trains = tuple(sorted(trains))
        shown = (trains, "decoded" in self.layers or "ellipses" in self.layers)
        if shown != self._trains:
            self._trains = shown
            self.diagrams.value = diagram.gan(trains) + (diagram.vae(trains) if shown[1] else "")

    def words(self, plane):
        """What a plane shows, in words."""
        on = {
            "game": ("real", "generated", "surface", "manifold", "arrows"),
            "optimum": ("real", "generated", "optimum"),
            "vae": ("real", "decoded", "vae_grid", "links"),
            "codes": ("ellipses",),
        }[plane]
        return ", ".join(LAYERS[name][0] for name in on if name in self.layers) or "nothing"

    def describe(self, step):
        """Gives every picture its alternative text."""
        for name, picture in self.planes.items():
            picture.alt = f"{PLANES[name]}, at round {step}. Shown: {self.words(name)}."
        for name, picture in self.charts.items():
            picture.alt = f"Chart through time, up to round {step}: {CHARTS[name][0]}."

    def whole(self):
        """All that is shown, as one picture: PNG bytes."""
        return pictures.together(
            [(picture, PLANES[name]) for name, picture in self.planes.items() if picture in self.shown()],
            [picture for picture in self.charts.values() if picture in self.shown()],
        )
