// A page on which every line leaves points, so far apart as a hand would set them down, and a little shaken.
import { clip } from "./dom.js";
import { normal } from "./noise.js";
import { DrawingPad } from "./pad.js";

const BETWEEN = 8 / 240, SHAKEN = 0.03; // share of the page between two points; standard deviation in units of the plane

// `get()` gives the points so far and `set(points)` takes them; the page reaches from -limit to limit on both axes.
export function dotsPad({ limit, most, seed, get, set }) {
  const shake = normal(seed, 2 * most);
  let last = [0, 0];
  const add = (places) => {
    const points = get();
    const shaken = places.map(([x, y], k) => [2 * limit * x - limit, limit - 2 * limit * y]
      .map((value, axis) => clip(value + SHAKEN * (shake[2 * (points.length + k) + axis] ?? 0), -limit, limit)));
    set([...points, ...shaken].slice(0, most));
  };
  return new DrawingPad({
    size: 240,
    step: 1 / 24,
    label: "Page to draw data on",
    start: (x, y) => { last = [x, y]; add([last]); },
    line: (x, y) => { // a fast hand is heard of only now and then
      const [dx, dy] = [x - last[0], y - last[1]], far = Math.hypot(dx, dy), places = [];
      for (let k = 1; k * BETWEEN <= far; k++) places.push([last[0] + dx * k * BETWEEN / far, last[1] + dy * k * BETWEEN / far]);
      if (places.length) { last = places.at(-1); add(places); }
    },
    end: () => {},
    clear: () => set([]),
  });
}

export function drawDots(pad, points, limit) {
  const { draw } = pad;
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
}
