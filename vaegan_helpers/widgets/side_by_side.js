// SideBySide: a row for the digits themselves and one for each model: there and back, on the way, samples.
import { make } from "./page/dom.js";
import { explorer, Picture } from "./page/explorer.js";
import { numbers } from "./page/network.js";
import { choice, normal } from "./page/noise.js";

export default explorer((page) => {
  const { networks, codes, images, labels, count, z_dim, steps, samples } = page.data, names = Object.keys(networks);
  const digits = numbers(images, Uint8Array), cell = 84;
  const digit = (k) => Float32Array.from(digits.subarray(784 * k, 784 * (k + 1)), (value) => value / 255);
  const rows = ["digits", ...names].map((name) => ({
    name,
    run: name !== "digits" && page.network(networks[name], `decode ${name}`),
    codes: codes[name] && numbers(codes[name]),
    parts: [[name, 2], ["on the way", 1], ["samples", samples]].map(([heading, n]) => new Picture(heading, n * cell)),
  }));
  page.root.append(
    page.row(page.number("From digit no.", "start", count - 1), page.number("To digit no.", "end", count - 1),
      page.slider("Position", { min: 0, max: 1, step: 1 / (steps - 1), get: () => page.get("position"), set: (position) => page.set({ position }) })),
    page.row(page.number("Seed", "seed", 999999), page.button("New samples", () => page.set({ seed: (page.get("seed") + 1) % 1000000 }))),
    make("p", {}, "Each row: two digits there and back, the place on the way between them, samples."),
    ...rows.map(({ name, codes, parts }) => page.row(
      name === "digits" || codes ? parts[0].element
        : make("figure", { class: "vg-picture", style: `width: ${2 * cell}px` }, make("figcaption", {}, name), "no encoder: no way back"),
      parts[1].element, parts[2].element)));

  const show = ({ name, parts }, back, way, some, words) => {
    [back, [way], some].forEach((pictures, k) => {
      if (!pictures) return;
      parts[k].clear(pictures.length, pictures.length);
      pictures.forEach((picture, place) => parts[k].paint(picture, 1, place));
      parts[k].says(`${name}: ${["two digits there and back", "the place on the way", "samples"][k]}. ${words}`);
    });
  };
  const called = (k) => `digit no. ${k}` + (labels ? ` (a ${labels[k]})` : "");

  return async () => {
    const [start, end, seed, position] = ["start", "end", "seed", "position"].map((name) => page.get(name));
    const step = Math.round(position * (steps - 1)), t = step / (steps - 1), between = (a, b) => a.map((value, k) => (1 - t) * value + t * b[k]);
    const without = names.filter((name) => !codes[name]), noise = normal(seed, samples * z_dim);
    const words = `${(100 * t).toFixed(0)} % of the way from ${called(start)} to ${called(end)}; samples of seed ${seed}.`
      + (without.length ? ` No encoder: ${without.join(", ")}, which walks between its own first two samples.` : "");
    page.say(words);
    for (const row of rows) {
      if (!row.run) {
        const ends = [digit(start), digit(end)];
        show(row, ends, between(...ends), choice(seed, count, samples).map(digit), words);
        continue;
      }
      const [a, b] = (row.codes ? [start, end] : [0, 1]).map((k) => (row.codes ?? noise).subarray(k * z_dim, (k + 1) * z_dim));
      const decoded = await page.inSteps(row.run, Float32Array.of(...a, ...b, ...between(a, b), ...noise), 3 + samples);
      const one = (k) => decoded.subarray(784 * k, 784 * (k + 1));
      show(row, row.codes && [one(0), one(1)], one(2), Array.from({ length: samples }, (_, k) => one(3 + k)), words);
    }
  };
});
