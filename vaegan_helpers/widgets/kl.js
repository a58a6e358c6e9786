// KLPlayground: two bell curves, and the KL divergence between them: exact, and from ever more draws.
import { explorer } from "./page/explorer.js";
import { normal } from "./page/noise.js";
import { draw, emptyChart } from "./page/chart.js";

const Z = Array.from({ length: 301 }, (_, k) => k / 25 - 6);
const bell = (mean, std) => Z.map((z) => Math.exp(-(((z - mean) / std) ** 2) / 2) / (std * Math.sqrt(2 * Math.PI)));

function roundUp(value) { // to 1, 2, 5 or 10 times a power of ten, so that the axes do not jump at every step
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((end) => end >= value * (1 - 1e-9));
}

// The estimate from the first 1, 2, 3, ... draws, and its standard error.
function estimates(noise, mean, std) {
  const running = [], error = [];
  let sum = 0, squares = 0;
  noise.forEach((e, k) => { // log q(z) - log p(z) at z = mean + std e; the constants cancel
    const ratio = -Math.log(std) - e ** 2 / 2 + (mean + std * e) ** 2 / 2;
    [sum, squares] = [sum + ratio, squares + ratio ** 2];
    running.push(sum / (k + 1));
    error.push(Math.sqrt(Math.max(squares / (k + 1) - running[k] ** 2, 0) / Math.max(k, 1)));
  });
  return { running, error };
}

export default explorer((page) => {
  const { most, colours } = page.data, densities = emptyChart(), chart = emptyChart();
  const slider = (label, name, options) => page.slider(label, { get: () => page.get(name), set: (value) => page.set({ [name]: value }), ...options });
  page.root.append(
    page.row(
      slider("Mean", "mean", { min: -3, max: 3, step: 0.05 }),
      slider("Standard deviation", "std", { min: Math.log10(0.05), max: Math.log10(4), step: 0.01, // the slider is logarithmic
        get: () => Math.log10(page.get("std")), set: (power) => page.set({ std: Math.min(4, Math.max(0.05, 10 ** power)) }), show: (power) => (10 ** power).toFixed(2) }),
      slider("Draws", "samples", { min: 10, max: most, step: 10, show: String }),
      page.button("New draws", () => page.set({ seed: (page.get("seed") + 1) % 1000000 }))),
    page.row(densities, chart));

  return () => {
    const [mean, std, samples, seed] = ["mean", "std", "samples", "seed"].map((name) => page.get(name));
    const exact = (mean ** 2 + std ** 2 - 1) / 2 - Math.log(std), prior = bell(0, 1), own = bell(mean, std);
    const { running, error } = estimates(normal(seed, most).subarray(0, samples), mean, std), settled = running.slice(9);
    const low = Math.min(exact, ...settled), counts = running.map((_, k) => k + 1);
    const words = `KL of N(${mean.toFixed(2)}, ${std.toFixed(2)}²) from N(0, 1): exactly ${exact.toFixed(3)} nats; `
      + `from ${samples} draws ${running.at(-1).toFixed(3)} ± ${error.at(-1).toFixed(3)} nats (one standard error).`;
    draw(densities, {
      x: [-6, 6], y: [0, roundUp(1.05 * Math.max(1 / (std * Math.sqrt(2 * Math.PI)), 0.4))], xlabel: "latent z", ylabel: "density",
      curves: [{ x: Z, y: prior, low: Z.map(() => 0), colour: colours.prior }, { x: Z, y: prior, colour: colours.prior, dashed: true }, { x: Z, y: own, colour: colours.encoder }],
      notes: [["N(0, 1)", colours.prior, true], ["N(mean, std²)", colours.encoder]],
      alt: `The densities of N(0, 1) and of N(${mean.toFixed(2)}, ${std.toFixed(2)}²).`,
    });
    draw(chart, {
      x: [1, most], y: [low < -0.02 ? -roundUp(-low) : 0, roundUp(1.5 * Math.max(exact, ...settled, 0.2))], xlabel: "draws", ylabel: "KL, nats", logarithmic: true,
      curves: [{ x: counts, y: running.map((value, k) => value + 2 * error[k]), low: running.map((value, k) => value - 2 * error[k]), colour: colours.generated },
        { x: counts, y: running, colour: colours.generated }, { x: [1, most], y: [exact, exact], colour: "#000", dashed: true }],
      notes: [["estimate, with two standard errors", colours.generated], ["closed form", "#000", true]],
      alt: `The running estimate. ${words}`,
    });
    page.say(words);
  };
});
