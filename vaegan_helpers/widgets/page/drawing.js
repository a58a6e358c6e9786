// A page to draw on, with a mouse, a finger or the keyboard, and a drawing prepared as MNIST's digits were.
import { make } from "./dom.js";
import { clip } from "./explorer.js";
import { arrows, follow } from "./plane.js";

export class DrawingPad {
  // `start`, `line` are called with places in shares of the page; `end` when a line rests; `clear` for the Delete key.
  constructor({ size, step, label, start, line, end, clear }) {
    Object.assign(this, { size, pen: [0.5, 0.5], down: false });
    this.canvas = make("canvas", { width: 2 * size, height: 2 * size, "aria-hidden": "true" });
    this.marker = make("div", { class: "vg-marker", hidden: "" });
    this.element = make("div", { class: "vg-pad", style: `width: ${size}px`, tabindex: 0, role: "application",
      "aria-label": `${label}. Arrow keys move the pen, Space sets it down or lifts it, Delete clears the page.` }, this.canvas, this.marker);
    this.draw = this.canvas.getContext("2d");
    let pressed = false;
    follow(this.element, (x, y) => { if (pressed) line(clip(x, 0, 1), clip(y, 0, 1)); }, (x, y) => {
      this.lift();
      this.marker.hidden = pressed = true;
      start(x, y);
    }, () => { if (pressed) end(); pressed = false; });
    arrows(this.element, step, (right, down) => {
      this.pen = [clip(this.pen[0] + right, 0, 1), clip(this.pen[1] + down, 0, 1)];
      if (this.down) line(...this.pen);
      this.show();
    });
    this.element.addEventListener("keydown", (event) => {
      if (event.key === " ") {
        this.down = !this.down;
        if (this.down) start(...this.pen); else end();
        this.show();
      } else if (event.key === "Delete" || event.key === "Backspace") { this.lift(); clear(); } else return;
      event.preventDefault();
    });
  }

  show() { // where the pen is: filled while it draws
    this.marker.hidden = false;
    this.marker.style.left = `${100 * this.pen[0]}%`;
    this.marker.style.top = `${100 * this.pen[1]}%`;
    this.marker.style.background = this.down ? "#d55e00" : "transparent";
  }

  lift() { // what it was drawing is gone
    this.down = false;
    if (!this.marker.hidden) this.show();
  }

  blank() {
    this.draw.resetTransform();
    this.draw.fillStyle = "#fff";
    this.draw.fillRect(0, 0, 2 * this.size, 2 * this.size);
    this.draw.scale(2 * this.size, 2 * this.size); // from now on the page is 1 wide and 1 high
  }

  ink(image, side) { // a picture in [0, 1]
    image.forEach((value, k) => {
      if (value < 0.01) return;
      this.draw.fillStyle = `rgb(0 0 0 / ${value})`;
      this.draw.fillRect((k % side) / side, Math.floor(k / side) / side, 1 / side, 1 / side);
    });
  }

  lines(strokes, unit, nib) { // strokes in units of which the page has so many
    Object.assign(this.draw, { strokeStyle: "#000", lineCap: "round", lineJoin: "round", lineWidth: nib });
    for (const stroke of strokes) {
      this.draw.beginPath();
      for (const [x, y] of [stroke[0], ...stroke]) this.draw.lineTo(x / unit, y / unit); // twice the first: a dot is a line
      this.draw.stroke();
    }
  }
}

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
