// One square plane: its frame, the layers that are drawn on it, and what lies under the pointer.
import { Sheet, h, number } from "./dom.js";
import { MARKS, css } from "./marks.js";

export class Plane {
  constructor(name, view) {
    const [heading, edges, axes] = TABLES.planes[name];
    Object.assign(this, { name, edges, axes, view, heading });
    this.sheet = new Sheet(1, (g, width) => this.draw(g, width));
    const { canvas } = this.sheet;
    canvas.tabIndex = 0;
    canvas.dataset.lmSuppressShortcuts = "true";
    canvas.setAttribute("role", "img");
    this.low = h("span", {}), this.high = h("span", {});
    this.key = h("div", { className: "vg-key" }, "generated ", this.low, h("i", { style: `background: linear-gradient(90deg, ${css(0)}, ${css(128)}, ${css(255)})` }), this.high, " real");
    this.element = h("figure", { className: "vg-plane" }, h("figcaption", {}, heading), canvas, this.key);
    canvas.addEventListener("pointermove", (event) => { if (!this.held || event.buttons) this.point(event); });
    canvas.addEventListener("pointerdown", (event) => { this.held = true; canvas.setPointerCapture(event.pointerId); this.point(event); });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { this.held = false; });
    canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && view.probe(null)); // what a finger chose stays
    canvas.addEventListener("blur", () => view.probe(null));
    canvas.addEventListener("keydown", (event) => this.press(event));
    if (name === "dirac") canvas.style.touchAction = "none";
  }

  // Where a hand points; on the Dirac plane a pressed hand moves the start.
  point(event) {
    const box = this.sheet.canvas.getBoundingClientRect();
    const at = [this.back(event.clientX - box.left, 0), this.back(event.clientY - box.top, 1)];
    this.view.probe(this.name, ...at);
    if (this.held && this.name === "dirac") this.view.start(...at);
  }

  // Alt and an arrow move the point by keyboard: the arrows alone go through time.
  press(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!ways[event.key] || !event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const from = this.view.probed?.plane === this.name ? [this.view.probed.x, this.view.probed.y] : [0, 0];
    const at = from.map((value, i) => Math.max(this.edges[2 * i], Math.min(this.edges[2 * i + 1], value + 0.1 * ways[event.key][i] * (event.shiftKey ? 5 : 1))));
    this.view.probe(this.name, ...at);
  }

  back(pixel, axis) {
    const { left, size, top } = this;
    const share = axis ? 1 - (pixel - top) / size : (pixel - left) / size;
    return this.edges[2 * axis] + share * (this.edges[2 * axis + 1] - this.edges[2 * axis]);
  }

  draw(g, width) {
    const [x0, x1, y0, y1] = this.edges;
    this.left = this.axes.length ? 34 : 22;
    this.top = 4;
    const size = (this.size = width - this.left - 4 - (this.axes.length ? 10 : 0)), { left, top } = this;
    const plane = { g, size, edges: this.edges, x: (v) => left + ((v - x0) / (x1 - x0)) * size, y: (v) => top + ((y1 - v) / (y1 - y0)) * size };
    g.save();
    g.beginPath();
    g.rect(left, top, size, size);
    g.clip();
    const drawn = this.view.layersOf(this.name), lit = drawn.some(({ lit }) => lit);
    let levels = null;
    for (const { layer, array, lit: about } of drawn) {
      MARKS[layer.mark](plane, array, layer, lit && !about ? 0.22 : 1, about ? 1.4 : 1);
      if (layer.mark === "surface") levels = array;
    }
    for (const [a, b] of this.view.rings(this.name)) {
      g.beginPath();
      g.arc(plane.x(a), plane.y(b), 8, 0, 2 * Math.PI);
      g.lineWidth = 3;
      g.strokeStyle = "#0072B2";
      g.stroke();
    }
    g.restore();
    this.frame(g, plane, left, top, size);
    this.key.style.visibility = levels ? "" : "hidden";
    if (levels) [this.low.textContent, this.high.textContent] = [number(levels.low, levels.low % 1 ? 1 : 0), number(levels.low + 255 * levels.scale, (levels.low + 255 * levels.scale).toFixed(3) % 1 ? 1 : 0)];
  }

  frame(g, plane, left, top, size) {
    g.strokeStyle = "#444";
    g.lineWidth = 1;
    g.strokeRect(left + 0.5, top + 0.5, size - 1, size - 1);
    g.fillStyle = "#333";
    g.font = "10px sans-serif";
    for (const tick of [-2, 0, 2]) {
      g.textAlign = "center";
      g.fillText(number(tick, 0), plane.x(tick), top + size + 12);
      g.textAlign = "right";
      g.fillText(number(tick, 0), left - 4, plane.y(tick) + 3);
    }
    if (!this.axes.length) return;
    g.textAlign = "center";
    g.fillText(this.axes[0], left + size / 2, top + size + 24);
    g.save();
    g.translate(9, top + size / 2);
    g.rotate(-Math.PI / 2);
    g.fillText(this.axes[1], 0, 0);
    g.restore();
  }
}
