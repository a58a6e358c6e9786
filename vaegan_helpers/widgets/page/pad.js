// A page to draw on, with a mouse, a finger or the keyboard.
import { clip, make } from "./dom.js";
import { arrowKeys, follow } from "./hands.js";

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
    arrowKeys(this.element, step, (right, down) => {
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
