// DrawPoints: every line leaves points, so far apart as a hand would set them down, and a little shaken.
import { clip, explorer } from "./page/explorer.js";
import { normal } from "./page/noise.js";
import { DrawingPad } from "./page/drawing.js";

const APART = 8 / 240, SHAKE = 0.03; // share of the page between two points; standard deviation in units of the plane

export default explorer((page) => {
  page.root.className = "vg-explorer vg-bare";
  const { limit, most, seed } = page.data, shake = normal(seed, 2 * most);
  let last = [0, 0];
  const add = (places) => {
    const points = page.get("places");
    const shaken = places.map(([x, y], k) => [2 * limit * x - limit, limit - 2 * limit * y]
      .map((value, axis) => clip(value + SHAKE * (shake[2 * (points.length + k) + axis] ?? 0), -limit, limit)));
    page.set({ places: [...points, ...shaken].slice(0, most) });
  };
  const pad = new DrawingPad({
    size: 240,
    step: 1 / 24,
    label: "Page to draw data on",
    start: (x, y) => { last = [x, y]; add([last]); },
    line: (x, y) => { // a fast hand is heard of only now and then
      const [dx, dy] = [x - last[0], y - last[1]], far = Math.hypot(dx, dy), places = [];
      for (let k = 1; k * APART <= far; k++) places.push([last[0] + dx * k * APART / far, last[1] + dy * k * APART / far]);
      if (places.length) { last = places.at(-1); add(places); }
    },
    end: () => {},
    clear: () => page.set({ places: [] }),
  });
  page.root.append(pad.element);

  return () => {
    const { draw } = pad, points = page.get("places");
    pad.blank();
    draw.fillStyle = "#d0d4d9";
    for (const line of [-2, -1, 0, 1, 2]) {
      const at = (line + limit) / (2 * limit);
      draw.fillRect(at, 0, 0.004, 1);
      draw.fillRect(0, at, 1, 0.004);
    }
    draw.fillStyle = "#000";
    for (const [x, y] of points) {
      draw.beginPath();
      draw.arc((x + limit) / (2 * limit), (limit - y) / (2 * limit), 0.009, 0, 7);
      draw.fill();
    }
    page.say(`${points.length} points.`);
  };
});
