// The page of settings on which a data set is drawn.
import { dotsPad, drawDots } from "../../widgets/page/dots.js";
import { button, h } from "./dom.js";

const LIMIT = 2.5; // the page reaches from -LIMIT to LIMIT
const MOST_POINTS = 600;

export class Drawing {
  constructor(learn) {
    this.points = [];
    this.pad = dotsPad({ limit: LIMIT, most: MOST_POINTS, seed: 0, get: () => this.points, set: (points) => this.show(points) });
    const { element } = this.pad;
    element.dataset.lmSuppressShortcuts = "true";
    element.addEventListener("keydown", (event) => event.defaultPrevented && event.stopPropagation()); // the pen moves, and not the run
    this.count = h("p", { className: "vg-note", role: "status" });
    this.element = h("div", { className: "vg-drawing" }, element, h("div", { className: "vg-part" },
      h("p", { className: "vg-note vg-anew" }, "Draw: every line leaves points; at least 20 are needed. Learn this drawing begins anew."), this.count,
      button("Learn this drawing", "Begins anew with the drawn points as data", () => learn(this.points.map((point) => point.map((value) => Math.round(1000 * value) / 1000)))),
      button("Clear the page", "", () => { this.pad.lift(); this.show([]); })));
    this.show([]);
  }

  show(points) {
    this.points = points;
    this.count.textContent = `${points.length} points so far.`;
    drawDots(this.pad, points, LIMIT);
  }
}
