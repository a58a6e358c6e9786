// Elements in one call, and what else every part of the page needs.

// Makes an element: names that begin with "on" are events, names with a dash (and role) attributes, all others properties.
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  // JupyterLab's shortcuts look at the focused element itself
  if (/^(button|input|select|textarea|summary|a)$/.test(tag) || "tabIndex" in given) element.dataset.lmSuppressShortcuts = "true";
  element.append(...children);
  return element;
}

export const button = (label, title, onclick) => h("button", { type: "button", title, onclick }, label);

// A control with its label before it; the name is said of the control as well, since a select's label holds its options.
export function labelled(label, control) {
  control.setAttribute("aria-label", label);
  return h("label", { className: "vg-field" }, h("span", {}, label), control);
}

export function select(options, value, onchange) {
  const made = h("select", { onchange: () => onchange(made.value) });
  setOptions(made, options, value);
  return made;
}

export function setOptions(field, options, value) {
  field.replaceChildren(...options.map((option) => h("option", { value: option, selected: String(option) === String(value) }, String(option))));
}

export function download(name, kind, content) {
  const link = h("a", { href: URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type: kind })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// The next of 1, 1.5, 2, 3, 4, 5, 6, 8, 10 times a power of ten: ranges that do not jump with every value.
export function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => power * step >= value * (1 - 1e-9));
}

export const number = (value, digits = 2) => value.toFixed(digits).replace("-", "\u2212");

// A canvas that is as sharp as the screen and as wide as its place; `draw(g, width, height)` is called when that changes.
export class Sheet {
  constructor(ratio, draw) {
    this.canvas = h("canvas", {});
    this.ratio = ratio;
    this.draw = draw;
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.canvas);
  }

  fit() {
    const width = this.canvas.clientWidth, scale = window.devicePixelRatio || 1;
    if (!width) return;
    this.width = width;
    this.height = Math.round(width * this.ratio);
    const wanted = [Math.round(this.width * scale), Math.round(this.height * scale)];
    if (this.canvas.width !== wanted[0] || this.canvas.height !== wanted[1]) [this.canvas.width, this.canvas.height] = wanted;
    this.paint();
  }

  paint() {
    if (!this.width) return;
    const g = this.canvas.getContext("2d");
    g.setTransform(this.canvas.width / this.width, 0, 0, this.canvas.height / this.height, 0, 0);
    g.globalAlpha = 1;
    g.fillStyle = "#fff";
    g.fillRect(0, 0, this.width, this.height);
    this.draw(g, this.width, this.height);
  }
}
