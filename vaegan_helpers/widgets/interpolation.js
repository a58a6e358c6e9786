// Interpolation: one picture on each path, their film strips, and how long each step is in pixel space.
import { explorer, Picture, remember } from "./page/explorer.js";
import { numbers } from "./page/network.js";
import { linearPath, sphericalPath, stepLengths } from "./page/paths.js";
import { draw, emptyChart } from "./page/chart.js";

const PATHS = { linear: linearPath, spherical: sphericalPath };
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

export default explorer((page) => {
  const { codes, images, labels, count, steps, strip, colours, network } = page.data;
  const all = numbers(codes), pictures = numbers(images, Uint8Array), z_dim = all.length / count;
  const run = page.network(network, "decode model"), names = Object.keys(PATHS), lines = [colours.encoder, colours.generated];
  const now = names.map((name) => new Picture(name, 190)), films = names.map((name) => new Picture(`${name} path`, 620, true));
  const chart = emptyChart(), decoded = remember(), still = matchMedia("(prefers-reduced-motion: reduce)");
  const choose = (name, other) => { // a digit, instead of latents that a cell has set
    const control = page.number(name === "start" ? "From digit no." : "To digit no.", name, count - 1);
    control.addEventListener("input", () => { if (page.get("ends")) page.set({ ends: null }); });
    return control;
  };
  let walking = 0;
  const walk = page.button("Walk", () => {
    if (walking) return stop();
    if (page.get("position") >= 1) page.set({ position: 0 });
    walking = setInterval(() => { // fewer, longer steps where motion is not wanted
      const position = Math.min(1, page.get("position") + (still.matches ? (steps - 1) / (strip - 1) : 1) / (steps - 1));
      page.set({ position: Number(position.toFixed(6)) });
      if (position >= 1 || page.closed) stop();
    }, still.matches ? 800 : 60);
    walk.textContent = "Pause";
  });
  const stop = () => { clearInterval(walking); walking = 0; walk.textContent = "Walk"; };
  page.root.append(
    page.row(choose("start"), choose("end")),
    page.row(page.slider("Position", { min: 0, max: 1, step: 1 / (steps - 1), get: () => page.get("position"), set: (position) => page.set({ position }) }), walk),
    page.row(...now.map(({ element }) => element), chart),
    page.row(...films.map(({ element }) => element)));

  const called = (k) => `digit no. ${k}` + (labels ? ` (a ${labels[k]})` : "");
  const code = (k) => [...all.subarray(k * z_dim, (k + 1) * z_dim)];
  const image = (k) => (images ? Float32Array.from(pictures.subarray(k * pictures.length / count, (k + 1) * pictures.length / count), (value) => value / 255) : null);

  return async () => {
    const start = page.get("start"), end = page.get("end"), ends = page.get("ends"), position = page.get("position");
    const from = ends ? "the first latent" : called(start), to = ends ? "the second latent" : called(end);
    const step = Math.round(position * (steps - 1)), way = `${(100 * position).toFixed(0)} % of the way from ${from} to ${to}`;
    const paths = await decoded([start, end, ends], async () => {
      const [a, b, first, last] = ends ?? [code(start), code(end), image(start), image(end)], found = [];
      for (const name of names) {
        const latents = PATHS[name](a, b, steps), frames = await page.inSteps(run, latents, steps), size = frames.length / steps;
        const film = Array.from({ length: strip }, (_, k) => frames.subarray(k * (steps - 1) / (strip - 1) * size).subarray(0, size));
        found.push({ name, latents, frames, size, film: [first, ...film, last].filter(Boolean), inPixels: stepLengths(frames, steps), inLatents: stepLengths(latents, steps) });
      }
      found.forEach(({ name, film, size }, k) => {
        films[k].clear(film.length, film.length, Math.sqrt(size));
        film.forEach((frame, place) => films[k].paint(frame, 1, place));
        films[k].says(`Film strip of the ${name} path from ${from} to ${to}`);
      });
      return found;
    });
    const summary = paths.map(({ name, inPixels, inLatents }) =>
      `${name[0].toUpperCase()}${name.slice(1)} path: ${steps - 1} steps of ≈ ${mean(inLatents).toFixed(2)} in latent space; in pixel space ≈ ${mean(inPixels).toFixed(2)} `
      + `on average, ≈ ${Math.max(...inPixels).toFixed(2)} at most, ≈ ${(mean(inPixels) * (steps - 1)).toFixed(1)} in all.`).join("\n");
    paths.forEach(({ name, latents, frames, size }, k) => {
      const norm = Math.hypot(...latents.subarray(step * z_dim, (step + 1) * z_dim));
      now[k].one(frames.subarray(step * size, (step + 1) * size), `Picture ${way}, ${name} path, where the latent has norm ≈ ${norm.toFixed(2)}`);
    });
    const most = 1.15 * Math.max(...paths.flatMap(({ inPixels }) => inPixels)) || 1;
    draw(chart, {
      x: [0, 1], y: [0, most], xlabel: "position", ylabel: "step in pixel space",
      curves: [...paths.map(({ inPixels }, k) => ({ x: inPixels.map((_, i) => (i + 0.5) / (steps - 1)), y: inPixels, colour: lines[k], dashed: k === 1 })),
        { x: [position, position], y: [0, most], colour: "#555", width: 1 }],
      notes: names.map((name, k) => [name, lines[k], k === 1]),
      alt: `Length of each step in pixel space along both paths. ${summary}`,
    });
    page.say(`${way}.\n${summary}`);
  };
});
