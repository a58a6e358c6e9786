// Traversal: one slider for each latent, beside what is decoded at the start and now.
import { make } from "./page/dom.js";
import { explorer, Picture } from "./page/explorer.js";
import { numbers } from "./page/network.js";

export default explorer((page) => {
  const { codes, count, limit, sliders, network } = page.data, run = page.network(network, "decode model");
  const all = numbers(codes), z_dim = all.length / count;
  const origin = () => [...all.subarray(page.get("start") * z_dim, (page.get("start") + 1) * z_dim)];
  const now = () => (page.get("moved").length ? page.get("moved") : origin());
  const before = new Picture("start", 160), after = new Picture("now", 224);
  const start = page.number("Start at digit no.", "start", count - 1);
  start.addEventListener("input", () => page.set({ moved: [] }));
  page.root.append(
    page.row(start, page.button("Reset", () => page.set({ moved: [] }))),
    make("div", { class: "vg-row vg-shown-first" },
      make("div", { class: "vg-row vg-shown" }, before.element, after.element),
      make("div", { class: "vg-sliders" }, ...sliders.map(([k, label]) => page.slider(label, {
        min: -limit, max: limit, step: 0.05, get: () => now()[k], set: (value) => page.set({ moved: now().map((z, i) => (i === k ? value : z)) }),
      })))));

  return async () => {
    const first = origin(), z = now(), away = z.map((value, k) => value - first[k]);
    const moves = sliders.filter(([k]) => Math.abs(away[k]) > 1e-6).map(([k]) => `latent ${k + 1} = ${z[k].toFixed(2)}`);
    const words = moves.length ? `Moved: ${moves.join(", ")}` : "Nothing moved yet";
    after.one(await run(Float32Array.from(z), 1), `The picture decoded now. ${words}`);
    before.one(await run(Float32Array.from(first), 1), `Digit no. ${page.get("start")} decoded from its code`);
    page.say(`${words}. Distance from the start: ≈ ${Math.hypot(...away).toFixed(2)}.`);
  };
});
