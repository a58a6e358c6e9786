// A drawing prepared as MNIST's digits were.
import { clip } from "./dom.js";

// Strokes as (28 x 28) ink, as drawing.py prepares them: lines of a width that suits the digit's size, with soft edges.
const RASTER = 76, DIGIT = 60, RADIUS = 5, SOFT = 2.4;

export function prepared(strokes) {
  const points = strokes.flat(), low = [0, 1].map((k) => Math.min(...points.map((point) => point[k])));
  const scale = DIGIT / Math.max(6, ...[0, 1].map((k) => Math.max(...points.map((point) => point[k])) - low[k]));
  const ink = new Float32Array(RASTER * RASTER), reach = RADIUS + SOFT;
  for (const stroke of strokes) {
    const line = stroke.map((point) => point.map((value, k) => (value - low[k]) * scale + (RASTER - DIGIT) / 2));
    for (let k = Math.min(1, line.length - 1); k < line.length; k++) {
      const [[ax, ay], [bx, by]] = [line[Math.max(0, k - 1)], line[k]], length = (bx - ax) ** 2 + (by - ay) ** 2;
      for (let y = Math.max(0, Math.floor(Math.min(ay, by) - reach)); y < Math.min(RASTER, Math.max(ay, by) + reach); y++)
        for (let x = Math.max(0, Math.floor(Math.min(ax, bx) - reach)); x < Math.min(RASTER, Math.max(ax, bx) + reach); x++) {
          const px = x + 0.5 - ax, py = y + 0.5 - ay, t = length ? clip((px * (bx - ax) + py * (by - ay)) / length, 0, 1) : 0;
          const far = Math.hypot(px - t * (bx - ax), py - t * (by - ay)), at = y * RASTER + x;
          ink[at] = Math.max(ink[at], clip((RADIUS - far) / SOFT + 0.5, 0, 1));
        }
    }
  }
  return likeMnist(ink, RASTER);
}

function likeMnist(ink, side) {
  let [top, bottom, left, right] = [side, 0, side, 0];
  ink.forEach((value, k) => {
    if (value <= 0.1) return;
    const y = Math.floor(k / side), x = k % side;
    [top, bottom, left, right] = [Math.min(top, y), Math.max(bottom, y + 1), Math.min(left, x), Math.max(right, x + 1)];
  });
  const scale = 20 / Math.max(bottom - top, right - left);
  const [height, width] = [bottom - top, right - left].map((n) => Math.max(1, Math.floor(n * scale + 0.5)));
  const rows = shares(bottom - top, height), columns = shares(right - left, width), small = new Float32Array(height * width);
  let total = 0, across = 0, down = 0, most = 0;
  for (let j = 0; j < height; j++)
    for (let i = 0; i < width; i++) {
      let value = 0;
      for (const [y, part] of rows[j]) for (const [x, other] of columns[i]) value += part * other * ink[(top + y) * side + left + x];
      small[j * width + i] = value;
      [total, down, across, most] = [total + value, down + value * j, across + value * i, Math.max(most, value)];
    }
  const y0 = clip(Math.floor(14 - down / total + 0.5), 0, 28 - height), x0 = clip(Math.floor(14 - across / total + 0.5), 0, 28 - width);
  const image = new Float32Array(784);
  small.forEach((value, k) => { image[(y0 + Math.floor(k / width)) * 28 + x0 + (k % width)] = value / most; });
  return image;
}

// For each of m new pixels the n old ones that it covers, with their shares.
function shares(n, m) {
  return Array.from({ length: m }, (_, j) => {
    const from = j * n / m, to = (j + 1) * n / m, found = [];
    for (let i = Math.floor(from); i < Math.min(n, Math.ceil(to)); i++) found.push([i, (Math.min(to, i + 1) - Math.max(from, i)) * m / n]);
    return found;
  });
}
