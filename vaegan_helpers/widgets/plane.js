// LatentPlane: a point under the hand, and the picture that each model decodes there.
import { explorer, Picture } from "./page/explorer.js";
import { Plane } from "./page/plane.js";

export default explorer((page) => {
  const { networks, limit } = page.data, names = Object.keys(networks), within = (v) => Math.min(limit, Math.max(-limit, v));
  const plane = new Plane(page.data, (x, y) => page.set({ point: [within(x), within(y)] }));
  const decoded = names.map((name) => ({
    name,
    run: page.network(networks[name], `decode ${name}`),
    picture: new Picture(name, names.length === 1 ? 224 : 180),
  }));
  page.root.append(page.row(plane.element, page.row(...decoded.map(({ picture }) => picture.element))));

  return async () => {
    const point = page.get("point"), where = `atent 1 ≈ ${point[0].toFixed(2)}, latent 2 ≈ ${point[1].toFixed(2)}`;
    plane.show(point, "Point on the plane of latents, moved by the arrow keys");
    page.say(`L${where}. ${plane.nearestInWords(point)}`);
    for (const { name, run, picture } of decoded)
      picture.one(await run(Float32Array.from(point), 1), `The picture decoded at l${where} (${name})`);
  };
});
