// A page to draw a data set on, with a mouse, a finger or the keyboard: every line leaves points, a little shaken.
import { Sheet, button, h } from "./dom.js";

const LIMIT = 2.5; // the page reaches from -LIMIT to LIMIT
const APART = 0.17; // between two points of one line
const SHAKE = 0.03;
const MOST_POINTS = 600;

export class Drawing {
  constructor(learn) {
    this.sheet = new Sheet(1, (g, size) => this.draw(g, size));
    const { canvas } = this.sheet;
    canvas.tabIndex = 0;
    canvas.dataset.lmSuppressShortcuts = "true";
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", "Page to draw data on. Arrow keys move the pen, Space sets it down or lifts it, Delete clears the page.");
    this.count = h("p", { className: "vg-note", role: "status" });
    this.element = h("div", { className: "vg-drawing" }, canvas, h("div", { className: "vg-part" },
      h("p", { className: "vg-note vg-anew" }, "Draw: every line leaves points; at least 20 are needed. Learn this drawing begins anew."), this.count,
      button("Learn this drawing", "Begins anew with the drawn points as data", () => learn(this.points.map((point) => point.map((value) => Math.round(1000 * value) / 1000)))),
      button("Clear the page", "", () => this.clear())));
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); this.drawing = true; this.down = false; this.pen = this.where(event); this.put(this.pen); });
    canvas.addEventListener("pointermove", (event) => { if (this.drawing) this.move(this.where(event)); });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { this.drawing = false; });
    canvas.addEventListener("keydown", (event) => this.press(event));
    this.clear();
  }

  where(event) {
    const box = this.sheet.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * 2 * LIMIT - LIMIT, LIMIT - ((event.clientY - box.top) / box.height) * 2 * LIMIT];
  }

  clear() {
    Object.assign(this, { points: [], pen: [0, 0], last: null, down: false, seed: 1 });
    this.show();
  }

  // The same lines give the same points: the shaking of the hand has a seed.
  shake() {
    this.seed = (this.seed * 48271) % 2147483647;
    return 3.5 * SHAKE * (this.seed / 2147483647 - 0.5);
  }

  put(at) {
    this.last = at;
    if (this.points.length < MOST_POINTS) this.points.push(at.map((value) => Math.max(-LIMIT, Math.min(LIMIT, value + this.shake()))));
    this.show();
  }

  // A fast hand is heard of only now and then: the way between is filled.
  move(to) {
    this.pen = to;
    for (let length = Math.hypot(to[0] - this.last[0], to[1] - this.last[1]); length >= APART; length -= APART) {
      this.put(this.last.map((value, i) => value + (APART / length) * (to[i] - value)));
    }
  }

  press(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (way) {
      this.pen = this.pen.map((value, i) => Math.max(-LIMIT, Math.min(LIMIT, value + way[i] * (event.shiftKey ? 0.6 : 0.2))));
      if (this.down) this.move(this.pen);
    } else if (event.key === " ") {
      this.down = !this.down;
      if (this.down) this.put(this.pen);
    } else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.show();
  }

  show() {
    this.count.textContent = `${this.points.length} points so far.`;
    this.sheet.paint();
  }

  draw(g, size) {
    const at = (value) => ((value + LIMIT) * size) / (2 * LIMIT);
    g.strokeStyle = "#d0d4d9";
    for (const line of [-2, -1, 0, 1, 2]) g.strokeRect(at(line), -9, 0, size + 18), g.strokeRect(-9, at(line), size + 18, 0);
    g.fillStyle = TABLES.colours.real;
    for (const [x, y] of this.points) { g.beginPath(); g.arc(at(x), size - at(y), 2.2, 0, 7); g.fill(); }
    g.strokeStyle = g.fillStyle = TABLES.colours.generated;
    g.lineWidth = 3;
    g.beginPath();
    g.arc(at(this.pen[0]), size - at(this.pen[1]), 6, 0, 7);
    this.down ? g.fill() : g.stroke();
  }
}
