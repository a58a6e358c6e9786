// DrawDigit: what one draws becomes a digit as the model gets it, finds its place on the plane and is decoded, stroke by stroke.
import { make } from "./page/dom.js";
import { explorer, Picture } from "./page/explorer.js";
import { numbers } from "./page/network.js";
import { prepared } from "./page/drawing.js";
import { DrawingPad } from "./page/pad.js";
import { Plane } from "./page/plane.js";

export default explorer((page) => {
  const { names, z_dim } = page.data, examples = numbers(page.data.examples, Uint8Array);
  const stored = (k) => Float32Array.from(examples.subarray(784 * k, 784 * (k + 1)), (value) => value / 255);
  const strokes = () => (page.get("example") === null ? page.get("strokes") : []); // a stored digit makes way
  const pad = new DrawingPad({
    size: 252,
    step: 1 / 28,
    label: "Page to draw a digit on",
    start: (x, y) => page.set({ strokes: [...strokes(), [[28 * x, 28 * y]]], example: null }),
    line: (x, y) => page.set({ strokes: [...strokes().slice(0, -1), [...strokes().at(-1), [28 * x, 28 * y]]] }),
    end: () => {},
    clear: () => page.set({ strokes: [], example: null }),
  });
  const choose = make("select", {}, ...["your own drawing", ...names].map((name, k) => make("option", { value: k - 1 }, name)));
  const chooser = page.control("Digit on the page", choose, () => page.get("example") ?? -1, (value) => {
    pad.lift();
    page.set(value < 0 ? { example: null } : { strokes: [], example: Number(value) });
  });
  const clear = page.button("Clear the page", () => { pad.lift(); page.set({ strokes: [], example: null }); });
  const seen = new Picture("what the model gets", 168), back = z_dim && new Picture("what it decodes", 168);
  const plane = page.data.plane && new Plane({ ...page.data, ...page.data.plane });
  const encode = page.network(page.data.encode, "encode model"), decode = page.network(page.data.decode, "decode model");
  page.root.append(page.row(chooser, clear), page.row(
    make("figure", { class: "vg-picture" }, make("figcaption", {}, "draw here"), pad.element),
    ...[seen, back, plane].filter(Boolean).map(({ element }) => element)));

  return async () => {
    const example = page.get("example"), drawn = page.get("strokes"), empty = example === null && !drawn.length;
    const image = empty ? new Float32Array(784) : example === null ? prepared(drawn) : stored(example);
    const words = empty ? "The page is empty: draw a digit, or choose a stored one."
      : example === null ? `Your drawing, ${drawn.length} ${drawn.length === 1 ? "stroke" : "strokes"}.`
        : `A stored digit, ${names[example]}. Draw on the page to put your own in its place.`;
    pad.blank();
    if (example !== null) pad.ink(image, 28);
    else pad.lines(drawn, 28, 2 / 28);
    seen.one(image, `28 by 28 pixels as the model gets them. ${words}`);
    if (!z_dim || empty) {
      if (back) back.one(new Float32Array(784), "Nothing to decode.");
      if (plane) plane.marker.hidden = true;
      return page.say(words);
    }
    const z = (await encode(image, 1)).slice(0, z_dim);
    back.one(await decode(z, 1), `What the model decodes. ${words}`);
    if (!plane) return page.say(words);
    plane.marker.hidden = false;
    plane.show(z, "The plane of latents, with the place of the digit on it");
    page.say(`${words} Its place: latent 1 ≈ ${z[0].toFixed(2)}, latent 2 ≈ ${z[1].toFixed(2)}. ${plane.nearestInWords(z)}`);
  };
});
