// A plane of latents: codes as dots, the prior's circles, and a point that is dragged or moved by the arrow keys.
import { numbers } from "./network.js";
import { clip, make } from "./dom.js";
import { arrowKeys, follow } from "./hands.js";

const EDGE = 34, SIZE = 350; // CSS pixels

export class Plane {
  // `move(x, y)` is called with places on the plane, if it may be moved by hand.
  constructor(data, move) {
    Object.assign(this, { data, codes: numbers(data.codes), labels: numbers(data.labels, Uint8Array) });
    this.marker = make("div", { class: "vg-marker" });
    this.element = make("div", { class: "vg-pad", style: `width: ${SIZE}px` }, this.background(), this.marker);
    if (!move) return this.element.setAttribute("role", "img");
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "application");
    this.element.setAttribute("aria-roledescription", "two-dimensional slider");
    follow(this.element, (x, y) => move(...this.place(x, y)));
    arrowKeys(this.element, data.limit / 60, (dx, dy) => move(this.at[0] + dx, this.at[1] - dy), () => move(...data.home));
  }

  place(x, y) { // from shares of the picture to latents
    const inner = SIZE - EDGE, { limit } = this.data;
    return [(x * SIZE - EDGE) / inner, 1 - y * SIZE / inner].map((share, k) => clip(limit * (2 * share - 1), -limit, limit));
  }

  show([x, y], label) {
    const inner = SIZE - EDGE, { limit } = this.data;
    this.at = [x, y];
    this.marker.style.left = `${100 * (EDGE + inner * (x / limit + 1) / 2) / SIZE}%`;
    this.marker.style.top = `${100 * inner * (1 - y / limit) / 2 / SIZE}%`;
    this.element.setAttribute("aria-label", `${label}: ${x.toFixed(2)}, ${y.toFixed(2)}.`);
  }

  nearest([x, y]) { // index of the nearest code, and how far it is
    let best = -1, least = Infinity;
    for (let k = 0; k < this.codes.length / 2; k++) {
      const distance = (this.codes[2 * k] - x) ** 2 + (this.codes[2 * k + 1] - y) ** 2;
      if (distance < least) [best, least] = [k, distance];
    }
    return [best, Math.sqrt(least)];
  }

  nearestInWords(point) {
    if (!this.codes.length) return `Distance to the centre of the prior: ${Math.hypot(...point).toFixed(2)}.`;
    const [k, distance] = this.nearest(point);
    return `The nearest encoded example is a ${this.labels[k] ?? "digit"}, ${distance.toFixed(2)} away.`;
  }

  background() {
    const sharp = 2, canvas = make("canvas", { width: sharp * SIZE, height: sharp * SIZE, "aria-hidden": "true" });
    const draw = canvas.getContext("2d"), inner = SIZE - EDGE, { limit, colours, classes } = this.data;
    const right = (x) => EDGE + inner * (x / limit + 1) / 2, down = (y) => inner * (1 - y / limit) / 2;
    draw.scale(sharp, sharp);
    draw.fillStyle = "#fff";
    draw.fillRect(0, 0, SIZE, SIZE);
    Object.assign(draw, { font: "11px sans-serif", textAlign: "center", textBaseline: "middle", strokeStyle: "#808890" });
    draw.strokeRect(EDGE, 0, inner, inner);
    const step = [0.5, 1, 2, 5, 10, 20, 50].find((step) => limit / step <= 4) ?? limit / 2;
    for (let tick = -Math.floor(limit / step) * step; tick <= limit; tick += step) {
      draw.fillStyle = "#333";
      if (tick > -limit && tick < limit) {
        draw.fillText(tick, right(tick), inner + 9);
        draw.fillText(tick, EDGE - 10, down(tick));
      }
    }
    draw.fillText("latent 1", EDGE + inner / 2, SIZE - 8);
    draw.save();
    draw.rotate(-Math.PI / 2);
    draw.fillText("latent 2", -inner / 2, 8);
    draw.restore();
    draw.save();
    draw.beginPath();
    draw.rect(EDGE, 0, inner, inner);
    draw.clip();
    draw.globalAlpha = 0.6;
    for (let k = 0; k < this.codes.length / 2; k++) {
      draw.fillStyle = this.labels.length ? colours.digits[this.labels[k]] : colours.encoder;
      draw.beginPath();
      draw.arc(right(this.codes[2 * k]), down(this.codes[2 * k + 1]), 1.3, 0, 7);
      draw.fill();
    }
    draw.globalAlpha = 1;
    draw.setLineDash([4, 3]);
    for (const radius of [1, 2]) {
      draw.beginPath();
      draw.arc(right(0), down(0), radius * inner / limit / 2, 0, 7);
      draw.stroke();
    }
    draw.setLineDash([]);
    draw.font = "bold 13px sans-serif";
    for (const [digit, x, y] of classes) {
      draw.beginPath();
      draw.arc(right(x), down(y), 10, 0, 7);
      draw.fillStyle = "#ffffffe6";
      draw.fill();
      [draw.strokeStyle, draw.fillStyle, draw.lineWidth] = [colours.digits[digit], "#000", 2.5];
      draw.stroke();
      draw.fillText(digit, right(x), down(y));
    }
    draw.restore();
    return canvas;
  }
}
