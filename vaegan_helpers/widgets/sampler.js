// Sampler: the same noise, warmer or colder, as a sheet of means and a sheet of pixels drawn from them.
import { explorer, Picture, remember } from "./page/explorer.js";
import { normal, uniform } from "./page/noise.js";

export default explorer((page) => {
  const { columns, z_dim, draw, network } = page.data, count = columns ** 2, run = page.network(network, "decode model");
  const mean = new Picture(draw ? "decoder mean" : "samples", 440, true), drawn = new Picture("decoder sample", 440, true);
  const noise = remember(), pixels = remember();
  page.root.append(
    page.row(
      page.slider("Temperature", { min: 0, max: 2, step: 0.05, get: () => page.get("temperature"), set: (temperature) => page.set({ temperature }) }),
      page.number("Seed", "seed", 999999),
      page.button("New noise", () => page.set({ seed: (page.get("seed") + 1) % 1000000 }))),
    page.row(mean.element, ...(draw ? [drawn.element] : [])));

  return async () => {
    const temperature = page.get("temperature"), seed = page.get("seed");
    const shown = `${count} samples at temperature ${temperature.toFixed(2)}, seed ${seed}`;
    const latents = noise([seed], () => normal(seed, count * z_dim)).map((value) => value * temperature);
    let grey = 0;
    const means = await page.inSteps(run, latents, count, (rows, first) => {
      const size = rows.length / Math.min(run.step, count - first), side = Math.sqrt(size), n = rows.length / size;
      for (const value of rows) if (value > 0.1 && value < 0.9) grey++;
      mean.clear(count, columns, side);
      mean.paint(rows, n, first);
      if (!draw) return;
      const chance = pixels([seed, size], () => uniform(seed, count * size, 2));
      drawn.clear(count, columns, side);
      drawn.paint(rows.map((value, k) => (chance[first * size + k] < value ? 1 : 0)), n, first);
    });
    mean.says(`${shown}: ${draw ? "means" : "pictures"}`);
    drawn.says(`${shown}: every pixel drawn from its mean`);
    page.say(`${shown}. Share of pixels that are neither ink nor paper (0.1 to 0.9): ≈ ${(100 * grey / means.length).toFixed(0)} %.`);
  };
});
