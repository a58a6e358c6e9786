"""What the stage can show and what can be set, as tables: the script and the still picture both follow them.

A new layer is one row here, and one drawing function for its mark if no other layer has that mark: one in
`marks.js`, and one in `still.py` for the picture that a notebook stores.
"""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from vaegan_helpers import plots
from vaegan_helpers.stage import engine

C = plots.COLOURS
PULL = "#8A2A63"  # of arrows, that nobody takes them for real points


class Layer(NamedTuple):
    """Something that is drawn on planes, and can be switched.

    Attributes:
      label: of its switch.
      planes: where it is drawn. A layer of one plane brings that plane with it.
      mark: how it is drawn.
      colour: of the mark.
      array: its name in `engine.Stage.view`; None for what the history holds.
      switch: whether it can be switched; if not, it comes with the slow motion alone.
    """

    label: str
    planes: tuple
    mark: str
    colour: str
    array: str | None
    switch: bool = True


# In the order in which they are drawn.
LAYERS = {
    "surface": Layer("D's surface", ("game",), "surface", "#B9B9B9", "surface"),
    "optimum": Layer("Exact optimum", ("optimum",), "surface", "#B9B9B9", "optimum"),
    "manifold": Layer("G's warped grid", ("game",), "grid", C["generated"], "manifold"),
    "vae_grid": Layer("VAE: warped grid", ("vae",), "grid", C["decoder"], "vae_manifold"),
    "ellipses": Layer("VAE: posteriors", ("codes",), "ellipses", C["encoder"], "vae_ellipses"),
    "links": Layer("VAE: reconstructions", ("vae",), "links", C["decoder"], "vae_reconstructions"),
    "path": Layer("Dirac: path of the game", ("dirac",), "path", C["generated"], None),
    "real": Layer("Real samples", ("game", "optimum", "vae"), "dots", C["real"], "real"),
    "noise": Layer("Noise", ("noise",), "crosses", C["prior"], "noise"),
    "codes": Layer("VAE: codes", ("codes",), "dots", C["encoder"], "codes", False),
    "decoded": Layer("VAE: decoder's outputs", ("vae",), "diamonds", C["decoder"], "vae_mean"),
    "generated": Layer("Generated samples", ("game", "optimum"), "discs", C["generated"], "generated"),
    "ghost": Layer("Kept run: samples", ("game", "optimum", "vae"), "rings", "#0072B2", None),
    "arrows": Layer("Pull of G's loss", ("game",), "arrows", PULL, "arrows"),
}
# plane: (heading, edges, name of the axes)
PLANES = {
    "noise": ("Noise z", (-3.5, 3.5, -3.5, 3.5), ("z 1", "z 2")),
    "game": ("GAN: real and generated points", (-3, 3, -3, 3), ()),
    "optimum": ("Exact optimum p / (p + q)", (-3, 3, -3, 3), ()),
    "vae": ("VAE: what the decoder makes", (-3, 3, -3, 3), ()),
    "codes": ("VAE: codes of the data", (-3.5, 3.5, -3.5, 3.5), ("code 1", "code 2")),
    "dirac": ("Dirac: the game is one point", (-3, 3, -3, 3), ("G's number", "D's number")),
}
SLOW_PLANES = ("noise", "codes")  # shown in slow motion whatever is switched on
# chart: (title, {name of a curve: (label, colour, line)}, options)
CHARTS = {
    "losses": (
        "Losses, nats",
        {"discriminator_loss": ("D", C["discriminator"], "-"), "generator_loss": ("G", C["generated"], "-")},
        {},
    ),
    "outputs": (
        "D's mean output",
        {"real_output": ("on real", C["real"], "-"), "fake_output": ("on generated", C["generated"], "-")},
        {"limits": (0.0, 1.0), "line": 0.5},
    ),
    "gradients": (
        "Gradient norms",
        {
            "discriminator_gradient_norm": ("of D", C["discriminator"], "-"),
            "generator_gradient_norm": ("of G", C["generated"], "-"),
        },
        {"log": True},
    ),
    "modes": (
        "Modes covered",
        {"modes": ("GAN", C["generated"], "-"), "vae_modes": ("VAE", C["decoder"], "--")},
        {"whole": True},
    ),
    "divergences": (
        "KL and JS, nats",
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
        {"vae_reconstruction": ("reconstruction", C["decoder"], "-"), "vae_kl": ("KL", C["encoder"], "-")},
        {},
    ),
}
DEFAULT = (
    "real", "generated", "surface", "optimum", "arrows", "decoded",
    "losses", "outputs", "gradients", "modes", "divergences",
)  # fmt: skip
# What a preset switches on besides, and what it switches off.
WITH_PRESET = {
    "posterior collapse": ({"ellipses", "decoded", "vae"}, set()),
    "Dirac": ({"path"}, {"optimum", "decoded", "modes", "divergences"}),
}

LABELS = {
    "loss": "Loss",
    "penalty": "Penalty on D",
    "penalty_weight": "Weight of the penalty",
    "discriminator_learning_rate": "Learning rate of D",
    "generator_learning_rate": "Learning rate of G",
    "discriminator_optimizer": "Optimiser of D",
    "generator_optimizer": "Optimiser of G",
    "discriminator_steps": "Moves of D per round",
    "generator_steps": "Moves of G per round",
    "momentum": "Momentum",
    "batch_size": "Batch",
    "unrolling": "Unrolling: G looks 3 moves of D ahead",
    "averaging": "Averaged weights of G",
    "falling_rates": "Learning rates that fall",
    "packing": "Packing: D judges pairs",
    "minibatch_std": "D sees the spread of its batch",
    "spectral_norm": "Spectral normalisation of D",
    "fourier_features": "Fourier features: D sees fine detail",
    "noise": "Kind of noise",
    "z_dim": "Noise dimension",
    "hidden_layers": "Hidden layers",
    "hidden_dim": "Neurons in each",
    "data": "Data",
    "seed": "Seed",
    "generator_start": "Dirac: G begins at",
    "discriminator_start": "Dirac: D begins at",
    "beta": "Beta: weight of the KL term",
    "vae_learning_rate": "Learning rate of the VAE",
}
# page: its parts, each (whether it begins anew, the settings)
PAGES = {
    "GAN": [
        (False, ("loss", "penalty", "penalty_weight", "momentum", "batch_size")),
        (False, ("discriminator_learning_rate", "discriminator_optimizer", "discriminator_steps")),
        (False, ("generator_learning_rate", "generator_optimizer", "generator_steps")),
    ],
    "Remedies": [
        (False, ("unrolling", "averaging", "falling_rates")),
        (True, ("packing", "minibatch_std", "spectral_norm", "fourier_features")),
    ],
    "VAE": [(False, ("beta", "vae_learning_rate"))],
    "Data": [(True, ("data", "seed", "generator_start", "discriminator_start"))],
    "Networks": [(True, ("hidden_layers", "hidden_dim", "z_dim", "noise"))],
}
SIZES = {"hidden_dim": (8, 16, 32, 64, 128, 256), "batch_size": (16, 32, 64, 128, 256, 512)}
DOUBLED_FROM_ZERO = {"penalty_weight": 0.1, "beta": 0.1}  # what "× 2" gives at 0


def checked(names: Iterable[str] | None = None, preset: str | None = None) -> set[str]:
    """Names of layers and charts as a set; the usual ones, as the preset wants them, without any.

    Raises:
      ValueError: an unknown name.
    """
    if names is None:
        on, off = WITH_PRESET.get(preset or "", (set(), set()))
        return (set(DEFAULT) | on) - off
    known = {name for name, layer in LAYERS.items() if layer.switch} | set(CHARTS)
    unknown = {str(name) for name in names} - known
    if unknown:
        raise ValueError(f"layers are {', '.join(sorted(known))}; got {', '.join(sorted(unknown))}")
    return set(names)


def shown_planes(layers: Collection[str], slow: bool = False, dirac: bool = False) -> list[str]:
    """The planes that these layers bring, in order: the game always."""
    brought = {layer.planes[0] for name, layer in LAYERS.items() if name in layers and len(layer.planes) == 1}
    wanted = brought | {"game"} | (set(SLOW_PLANES) if slow else set())
    return [name for name in PLANES if name in wanted and (name != "dirac" or dirac)]


def arrays_of(layers: Iterable[str]) -> set[str]:
    """Names of the arrays of `engine.Stage.view` that these layers need."""
    arrays = (LAYERS[name].array for name in layers if name in LAYERS)
    return {array for array in arrays if array}


def for_the_script() -> dict[str, Any]:
    """All of it as one dictionary that JSON can hold."""
    fields = {}
    for name, label in LABELS.items():
        usual = getattr(engine.Settings(), name)
        kind = "check" if isinstance(usual, bool) else "whole" if isinstance(usual, int) else "number"
        options = engine.CHOICES.get(name) or SIZES.get(name)
        fields[name] = {
            "label": label,
            "kind": "choice" if options else kind,
            "options": options,
            "range": engine.WHOLE.get(name),
            "fromZero": DOUBLED_FROM_ZERO.get(name, 0),
            "signed": name.endswith("_start"),
        }
    return {
        "layers": [{"name": name, **layer._asdict()} for name, layer in LAYERS.items()],
        "planes": PLANES,
        "slowPlanes": SLOW_PLANES,
        "charts": CHARTS,
        "curves": engine.CURVES,
        "path": engine.PATH,
        "measured": ("step", *engine.MEASURED),
        "fields": fields,
        "pages": PAGES,
        "presets": list(engine.PRESETS),
        "withPreset": {name: [sorted(part) for part in parts] for name, parts in WITH_PRESET.items()},
        "colours": C,
        "limit": engine.LIMIT,
    }
