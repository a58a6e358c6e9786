"""The networks of the training stage as a small diagram, in which those that are being trained stand in the light."""

import html

from vaegan_helpers import plots

# name: (centre x, centre y, width, words, colour)
_GAN = {
    "noise": (30, 30, 48, "noise z", "prior"),
    "generator": (112, 30, 66, "generator G", "generated"),
    "real": (112, 82, 66, "real data x", "real"),
    "discriminator": (214, 56, 84, "discriminator D", "discriminator"),
}
_VAE = {
    "data": (30, 24, 48, "real x", "real"),
    "encoder": (106, 24, 56, "encoder", "encoder"),
    "code": (184, 24, 62, "mean, std", "prior"),
    "decoder": (262, 24, 56, "decoder", "decoder"),
}
NAMES = {
    "discriminator": "D learns",
    "generator": "G learns",
    "encoder": "the encoder learns",
    "decoder": "the decoder learns",
}


def gan(trains=()):
    """Noise to G, G's output and real data to D; `trains` names who learns. As SVG."""
    parts = [
        _arrow(54, 30, 78, 30),
        _arrow(146, 33, 171, 48),
        _arrow(146, 80, 171, 65),
        _arrow(257, 56, 281, 56),
        '<text x="284" y="53" class="vg-word">real or</text><text x="284" y="65" class="vg-word">generated?</text>',
    ]
    if "generator" in trains:
        parts.append(_back("M 214 42 C 208 10, 170 2, 126 16", "generated", 252, 20, "gradient through D"))
    if "discriminator" in trains:
        parts.append(_back("M 292 72 C 286 98, 238 100, 220 71", "discriminator", 262, 104, "gradient"))
    return _svg(
        330,
        108,
        parts + [_box(name, spec, name in trains) for name, spec in _GAN.items()],
        "GAN",
        _GAN,
        trains,
    )


def vae(trains=()):
    """Data to the encoder, a draw to the decoder, and the output compared with the data. As SVG."""
    parts = [
        _arrow(54, 24, 77, 24),
        _arrow(135, 24, 152, 24),
        _arrow(216, 24, 233, 24),
        _arrow(291, 24, 304, 24),
        '<text x="307" y="28" class="vg-word">x̂</text>',
    ]
    if {"encoder", "decoder"} & set(trains):
        parts.append(
            _back(
                "M 310 34 C 296 58, 130 62, 108 39",
                "decoder" if "encoder" not in trains else "encoder",
                205,
                66,
                "gradient of reconstruction + beta KL",
            )
        )
    return _svg(
        330,
        70,
        parts + [_box(name, spec, name in trains) for name, spec in _VAE.items()],
        "VAE",
        _VAE,
        trains,
    )


def _box(name, spec, trains):
    x, y, width, words, colour = spec
    colour = plots.COLOURS[colour]
    fill, weight, line = (colour + "33", 700, 2.6) if trains else ("#ffffff", 400, 1.1)
    return (
        f'<rect x="{x - width / 2}" y="{y - 13}" width="{width}" height="26" rx="6" fill="#fff"/>'
        f'<rect x="{x - width / 2}" y="{y - 13}" width="{width}" height="26" rx="6" fill="{fill}" stroke="{colour}" stroke-width="{line}"/>'
        f'<text x="{x}" y="{y + 3.5}" text-anchor="middle" font-weight="{weight}" class="vg-word">{html.escape(words)}</text>'
    )


def _arrow(x1, y1, x2, y2):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#555" stroke-width="1.2" marker-end="url(#vg-tip)"/>'


def _back(path, colour, x, y, words):
    return (
        f'<path d="{path}" fill="none" stroke="{plots.COLOURS[colour]}" stroke-width="1.8" stroke-dasharray="4 3" '
        f'marker-end="url(#vg-tip)"/><text x="{x}" y="{y}" text-anchor="middle" class="vg-small">{words}</text>'
    )


def _svg(width, height, parts, name, parts_of, trains):
    own = [words for part, words in NAMES.items() if part in trains and part in parts_of]
    label = f"Networks of the {name}: " + (" and ".join(own) if own else "nothing is being trained")
    return (
        f'<svg viewBox="0 0 {width} {height}" width="100%" role="img" aria-label="{label}" class="vg-diagram">'
        '<defs><marker id="vg-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker></defs>' + "".join(parts) + "</svg>"
    )
