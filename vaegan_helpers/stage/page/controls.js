// The settings as controls, in pages; what changes at once stands apart from what begins the run anew.
import { button, h, labelled, select, setOptions } from "./dom.js";

const AT_ONCE = "Changes at once, also while it trains.";
const ANEW = "The run begins anew at round 0.";

export class Settings {
  // `change(name, value)` is called when a hand has moved a control; `extra` are further pages, {name: element}.
  constructor(change, extra) {
    Object.assign(this, { change, fields: {} });
    this.pages = {};
    for (const [page, parts] of Object.entries(TABLES.pages)) {
      this.pages[page] = h("div", { className: "vg-page" }, ...parts.map(([anew, names]) =>
        h("div", { className: "vg-part" }, h("p", { className: anew ? "vg-note vg-anew" : "vg-note" }, anew ? ANEW : AT_ONCE), ...names.map((name) => this.field(name)))));
    }
    Object.assign(this.pages, extra);
    this.tabs = Object.keys(this.pages).map((page) => button(page, "", () => this.turn(page)));
    this.element = h("div", { className: "vg-settings" }, h("div", { className: "vg-chooser", role: "group", "aria-label": "Settings" }, h("span", {}, "Settings"), ...this.tabs), ...Object.values(this.pages));
    this.turn("GAN");
  }

  turn(page) {
    this.page = page;
    Object.entries(this.pages).forEach(([name, element], i) => {
      element.hidden = name !== page;
      this.tabs[i].setAttribute("aria-pressed", String(name === page));
    });
    this.turned?.(page);
  }

  field(name) {
    const { label, kind, options, range, fromZero, signed } = TABLES.fields[name];
    const moved = (value) => { this.settings[name] = value; this.change(name, value); };
    if (kind === "choice") {
      const numbers = typeof options[0] === "number";
      this.fields[name] = select([], "", (value) => moved(numbers ? Number(value) : value));
      return labelled(label, this.fields[name]);
    }
    if (kind === "check") {
      const box = (this.fields[name] = h("input", { type: "checkbox", onchange: () => moved(box.checked) }));
      return h("label", { className: "vg-check" }, box, label);
    }
    const field = (this.fields[name] = h("input", { type: "number", step: kind === "whole" ? 1 : "any", onchange: () => moved(Number(field.value)) }));
    if (range) [field.min, field.max] = range;
    if (kind === "whole" || signed) return labelled(label, field);
    const scale = (factor) => moved(field.value = Number(((this.settings[name] * factor) || (factor > 1 ? fromZero : 0)).toPrecision(4)));
    const half = button("\u00f7 2", `Half of it: ${label}`, () => scale(0.5)), twice = button("\u00d7 2", `Twice as much: ${label}`, () => scale(2));
    for (const one of [half, twice]) one.setAttribute("aria-label", one.title);
    return h("div", { className: "vg-number" }, labelled(label, field), half, twice);
  }

  // Moves every control to where the settings are; what is being typed stays, unless the last change was refused.
  // A control that was moved stands there at once, before the kernel has heard of it.
  show(settings, refused) {
    const said = JSON.stringify(settings);
    if (said === this.said && !refused) return;
    [this.said, this.settings] = [said, { ...settings }];
    for (const [name, field] of Object.entries(this.fields)) {
      const { kind, options } = TABLES.fields[name], value = settings[name];
      if (kind === "check") field.checked = value;
      else if (kind === "choice") {
        const all = [...new Set([...options.filter((option) => option !== "drawn"), value])];
        setOptions(field, typeof value === "number" ? all.sort((a, b) => a - b) : all, value);
      } else field.value = value;
    }
  }
}
