// DiscriminatorGame: real or generated, your score beside D's; then a drawing of your own, and D's answer to it.
import { make } from "./page/dom.js";
import { explorer, Picture, remember } from "./page/explorer.js";
import { numbers } from "./page/network.js";
import { choice, normal, uniform } from "./page/noise.js";
import { prepared } from "./page/drawing.js";
import { DrawingPad } from "./page/pad.js";

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const kind = (real) => (real ? "real" : "generated");

export default explorer((page) => {
  const { images, count, z_dim, rounds } = page.data, digits = numbers(images, Uint8Array);
  const generate = page.network(page.data.generator, "decode generator"), judge = page.network(page.data.discriminator, "judge discriminator");
  const shown = new Picture("real or generated?"), seen = new Picture("what it gets", 168), game = remember();
  const last = make("p", { class: "vg-answer", role: "status" }), verdict = make("p", {}), meter = make("meter", { min: 0, max: 1, "aria-label": "Probability of real" });
  const answer = (real) => page.button(real ? "Real" : "Generated", () => {
    if (page.get("answers").length < rounds) page.set({ answers: [...page.get("answers"), real] });
  });
  const buttons = [answer(true), answer(false)];
  const again = page.button("New game", () => page.set({ seed: (page.get("seed") + 1) % 1000000, answers: [] }));
  const pad = new DrawingPad({
    size: 252,
    step: 1 / 28,
    label: "Page to draw a digit on, to fool the discriminator",
    start: (x, y) => page.set({ strokes: [...page.get("strokes"), [[28 * x, 28 * y]]] }),
    line: (x, y) => page.set({ strokes: [...page.get("strokes").slice(0, -1), [...page.get("strokes").at(-1), [28 * x, 28 * y]]] }),
    end: () => {},
    clear: () => page.set({ strokes: [] }),
  });
  const clear = page.button("Clear the page", () => { pad.lift(); page.set({ strokes: [] }); });
  page.root.append(
    page.row(shown.element, make("div", { class: "vg-side" }, page.row(...buttons, again), last)),
    page.row(make("figure", { class: "vg-picture" }, make("figcaption", {}, "draw here to fool it"), pad.element), seen.element,
      make("div", { class: "vg-side" }, clear, verdict, meter)));

  // The pictures of a game, what they are, and what D says.
  const deal = async (seed) => {
    const order = choice(seed, count, rounds), truth = Array.from(uniform(seed, rounds, 11), (u) => u < 0.5);
    const fakes = await page.inSteps(generate, normal(seed, rounds * z_dim), rounds);
    const pictures = truth.map((real, k) => (real
      ? Float32Array.from(digits.subarray(784 * order[k % order.length], 784 * (order[k % order.length] + 1)), (value) => value / 255)
      : fakes.subarray(784 * k, 784 * (k + 1))));
    const all = new Float32Array(784 * rounds);
    pictures.forEach((picture, k) => all.set(picture, 784 * k));
    return { truth, pictures, verdicts: Array.from(await page.inSteps(judge, all, rounds), sigmoid) };
  };

  return async () => {
    const seed = page.get("seed"), answers = page.get("answers"), n = answers.length, strokes = page.get("strokes");
    const { truth, pictures, verdicts } = await game([seed], () => deal(seed)), right = (says) => says.filter((real, k) => real === truth[k]).length;
    const done = n >= rounds, place = done ? `All ${n} pictures are judged.` : `Picture ${n + 1} of ${rounds}.`;
    shown.one(pictures[Math.min(n, rounds - 1)], `Real or generated? ${place}`);
    for (const button of buttons) button.setAttribute("aria-disabled", String(done)); // it keeps the focus
    last.textContent = n ? `The last one was ${kind(truth[n - 1])}: you were ${answers[n - 1] === truth[n - 1] ? "right" : "wrong"}. `
      + `The discriminator gave ${verdicts[n - 1].toFixed(2)} to real and was ${(verdicts[n - 1] > 0.5) === truth[n - 1] ? "right" : "wrong"}.` : "";
    page.say(n ? `${place} You were right ${right(answers)} of ${n} times, the discriminator ${right(verdicts.slice(0, n).map((p) => p > 0.5))} of ${n} times.` : `${place} Real or generated?`);
    pad.blank();
    pad.lines(strokes, 28, 2 / 28);
    const ink = strokes.length ? prepared(strokes) : new Float32Array(784);
    seen.one(ink, "Your drawing, as the discriminator gets it.");
    const p = strokes.length ? sigmoid((await judge(ink, 1))[0]) : 0;
    meter.value = p;
    verdict.textContent = strokes.length ? `The discriminator gives ${p.toFixed(2)} to real: it takes your drawing for ${kind(p > 0.5)}.`
      : "Draw a digit: the discriminator answers as you draw.";
  };
});
