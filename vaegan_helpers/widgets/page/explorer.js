// What every explorer's script shares: its frame in the page, its controls, its pictures and its words.
import { clip, make } from "./dom.js";
import { network } from "./network.js";

const REST = 700; // milliseconds until the words are spoken
const SAVED = 150; // milliseconds until a cell hears what the hand did
const SLICE = 10; // milliseconds of computing before the page may do something else

// Lets the browser draw and listen, then goes on at once; a timer would wait for four milliseconds.
const channel = new MessageChannel(), waiting = [];
channel.port1.onmessage = () => waiting.shift()();
const breathe = () => new Promise((resolve) => { waiting.push(resolve); channel.port2.postMessage(0); });

// Computes again only if what it depends on has changed.
export function remember() {
  let key, value;
  return (now, compute) => {
    const text = JSON.stringify(now);
    if (text !== key) [key, value] = [text, compute()];
    return value;
  };
}

// `build(page)` puts controls and pictures into page.root and returns the function that draws the state as it is.
export const explorer = (build) => ({
  render({ model, el }) {
    const page = new Page(model);
    page.draw = build(page);
    page.root.append(page.caption, page.spoken, page.notice);
    el.append(page.root);
    page.refresh();
    return () => page.close();
  },
});

class Page {
  constructor(model) {
    Object.assign(this, { model, data: model.get("data"), heard: [], asked: new Map(), syncs: [], closed: false });
    this.root = make("section", { class: "vg-explorer", "aria-label": this.data.title ?? model.get("label") });
    this.caption = make("p", { class: "vg-caption", "aria-hidden": "true" }); // the spoken line says the same
    this.spoken = make("p", { class: "vg-spoken", role: "status" }); // only at rest: a walk is not read step by step
    this.notice = make("p", { class: "vg-notice", role: "status" });
    // Letters are commands of JupyterLab, which would cut the cell. They stay here; what is pressed with Control does not.
    const keep = (event) => {
      const free = event.ctrlKey || event.metaKey;
      event.target.toggleAttribute("data-lm-suppress-shortcuts", !free);
      if (event.type === "keydown" && !free) event.stopPropagation();
    };
    for (const type of ["focusin", "keydown", "keyup"]) this.root.addEventListener(type, keep);
    this.on("change", () => this.refresh());
    this.on("msg:custom", (message, buffers) => this.hear(message, buffers));
    this.on("comm_live_update", () => this.warn("The kernel was restarted or stopped. What is computed in this page still moves; "
      + "for cells to hear of it, run this cell again."));
  }

  on(name, listener) {
    this.model.on(name, listener);
    this.heard.push([name, listener]);
  }

  get(name) { return this.model.get(name); }

  // Sets the state; cells hear of it once the hand rests.
  set(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.model.save_changes(), SAVED);
  }

  // Draws the state as it is; what changes meanwhile is drawn right afterwards, and nothing piles up.
  async refresh() {
    this.stale = true;
    if (this.drawing) return;
    this.drawing = true;
    await null; // several values that change together are drawn once
    while (this.stale && !this.closed) {
      this.stale = false;
      for (const sync of this.syncs) sync();
      if (this.get("notice")) this.warn(this.get("notice"));
      try { await this.draw(); } catch (error) { if (!this.closed) this.warn(error.message); }
    }
    this.drawing = false;
  }

  say(words) {
    if (words === this.caption.textContent) return;
    this.caption.textContent = words;
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => { this.spoken.textContent = words; }, REST);
  }

  warn(words) { this.notice.textContent = words; }

  // A network as a function (rows, n) -> promise of rows; `step` is how many rows it likes at a time.
  // A model that is not made of our layers is computed by the kernel.
  network(description, what) {
    const compute = description?.layers && network(description);
    const run = async (x, n) => (compute ? compute(x, n) : this.ask(what, x, n));
    run.step = compute ? 5 : Infinity;
    return run;
  }

  ask(what, x, n) {
    const id = String(Math.random());
    return new Promise((resolve, reject) => {
      const slow = setTimeout(() => this.warn("Waiting for the kernel, which computes this model. "
        + "If it was restarted, run this cell again."), 1000);
      this.asked.set(id, { resolve, reject, slow });
      this.model.send({ what, rows: n, id }, undefined, [x.buffer.slice(x.byteOffset, x.byteOffset + x.byteLength)]);
    });
  }

  hear({ id, error }, buffers) {
    if (!this.asked.has(id)) return;
    const { resolve, reject, slow } = this.asked.get(id);
    this.asked.delete(id);
    clearTimeout(slow);
    this.warn("");
    if (error) return reject(Error(error));
    const [bytes] = buffers;
    resolve(new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)));
  }

  // Many rows through a network, a few at a time, so that the page never stutters; `show(rows, first)` after each few.
  async inSteps(run, x, n, show = () => {}) {
    const size = x.length / n;
    let all = null, since = performance.now();
    for (let first = 0; first < n && !this.closed; first += run.step) {
      const count = Math.min(run.step, n - first), rows = await run(x.subarray(first * size, (first + count) * size), count);
      all ??= new Float32Array(rows.length / count * n);
      all.set(rows, first * (rows.length / count));
      show(rows, first);
      if (performance.now() - since > SLICE) { await breathe(); since = performance.now(); }
    }
    return all;
  }

  close() {
    this.closed = true;
    for (const [name, listener] of this.heard) this.model.off(name, listener);
    if (this.saving) this.model.save_changes();
    for (const timer of [this.saving, this.speaking]) clearTimeout(timer);
    for (const { reject, slow } of this.asked.values()) { clearTimeout(slow); reject(Error("closed")); }
    this.root.remove();
  }

  // --- controls: each has a visible label, and shows the state whoever changed it ---

  row(...inside) { return make("div", { class: "vg-row" }, ...inside); }

  control(label, input, get, set, more = []) {
    input.addEventListener("input", () => { if (input.value !== "" && input.checkValidity()) set(input.value); });
    this.syncs.push(() => {
      const value = String(get());
      if (input.value !== value && !(input.type === "number" && document.activeElement === input)) input.value = value;
    });
    return make("label", { class: "vg-control" }, make("span", {}, label), input, ...more);
  }

  slider(label, { min, max, step, get, set, show = (value) => value.toFixed(2) }) {
    const shown = make("output", {}), input = make("input", { type: "range", min, max, step });
    this.syncs.push(() => {
      shown.textContent = show(get());
      input.setAttribute("aria-valuetext", shown.textContent);
    });
    const control = this.control(label, input, get, (value) => set(Number(value)), [shown]);
    control.classList.add("vg-slider");
    return control;
  }

  number(label, name, max) {
    const input = make("input", { type: "number", min: 0, max, step: 1, inputmode: "numeric" });
    return this.control(label, input, () => this.get(name), (value) => this.set({ [name]: Number(value) }));
  }

  button(label, press) { return make("button", { type: "button", onclick: press }, label); }
}

// --- pictures: dark ink on white paper ---

export class Picture {
  constructor(heading, width = 224, smooth = false) {
    this.canvas = make("canvas", { role: "img", width: 28, height: 28, class: smooth ? "" : "vg-pixels" });
    this.element = make("figure", { class: "vg-picture", style: `width: ${width}px` }, make("figcaption", {}, heading), this.canvas);
    if (!heading) this.element.firstChild.remove();
  }

  // A sheet of n empty places.
  clear(n = 1, columns = 1, side = 28) {
    const width = columns * (side + 2) - 2, height = Math.ceil(n / columns) * (side + 2) - 2;
    Object.assign(this, { columns, side });
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
  }

  // Pictures of ink in [0, 1], one after the other, from the place `first` on.
  paint(ink, n = 1, first = 0) {
    const { side, columns } = this, draw = this.canvas.getContext("2d");
    for (let k = 0; k < n; k++) {
      const image = new ImageData(side, side);
      for (let i = 0; i < side * side; i++) {
        const grey = 255.5 - 255 * clip(ink[k * side * side + i], 0, 1);
        image.data.fill(grey, 4 * i, 4 * i + 3);
        image.data[4 * i + 3] = 255;
      }
      const place = first + k;
      draw.putImageData(image, (place % columns) * (side + 2), Math.floor(place / columns) * (side + 2));
    }
  }

  one(ink, alt) {
    this.clear(1, 1, Math.sqrt(ink.length));
    this.paint(ink);
    this.says(alt);
  }

  says(alt) { this.canvas.setAttribute("aria-label", alt); }
}
