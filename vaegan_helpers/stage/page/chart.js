// The curves of a run, and one small chart through time: the past in full, what a rewind left ahead in pale.
import { Sheet, h, nice } from "./dom.js";

const ROWS = [...TABLES.curves, ...TABLES.path];
const DASHES = { "-": [], "--": [5, 3], ":": [1.5, 2.5] };

// All rounds of a run, as they have arrived so far.
export class Curves {
  constructor() { this.clear(); }

  clear() {
    this.rows = Object.fromEntries(ROWS.map((name) => [name, []]));
    this.measured = Object.fromEntries(TABLES.measured.map((name) => [name, []]));
  }

  // Puts what an answer brings in its place.
  take(table, array, from) {
    const columns = Object.values(table), { data, shape: [count, width] } = array;
    columns.forEach((column, k) => {
      column.length = from;
      for (let i = 0; i < count; i++) column.push(data[i * width + k]);
    });
  }

  // One curve: when, and what.
  get(name) {
    if (name in this.measured && name !== "step") return [this.measured.step, this.measured[name]];
    const values = this.rows[name];
    while (this.steps.length < values.length) this.steps.push(this.steps.length + 1);
    return [this.steps, values];
  }

  steps = [];
}

// At most one point for each pixel: means of equal pieces, without what is not a number.
function thinned(steps, values, most) {
  const piece = Math.ceil(values.length / most), points = [];
  for (let i = 0; i < values.length; i += piece || 1) {
    let sum = 0, count = 0, at = 0;
    for (let k = i; k < Math.min(i + piece, values.length); k++) if (Number.isFinite(values[k])) { sum += values[k]; at += steps[k]; count += 1; }
    points.push(count ? [at / count, sum / count] : [steps[i], NaN]);
  }
  return points;
}

export class Chart {
  constructor(name, view) {
    [this.title, this.series, this.options] = TABLES.charts[name];
    Object.assign(this, { name, view });
    this.sheet = new Sheet(0.66, (g, width, height) => this.draw(g, width, height));
    const { canvas } = this.sheet;
    canvas.setAttribute("role", "img");
    canvas.addEventListener("pointermove", (event) => view.readCurves(this, (event.clientX - canvas.getBoundingClientRect().left - this.left) / this.wide * this.until));
    canvas.addEventListener("pointerleave", () => view.probe(null));
    this.element = h("figure", { className: "vg-chart" }, canvas);
  }

  range(all) {
    const { limits, log, whole } = this.options, values = all.flat().map(([, value]) => value).filter((value) => Number.isFinite(value) && (!log || value > 0));
    const low = Math.min(...values), high = Math.max(...values);
    if (log) return values.length ? [Math.max(-12, Math.floor(Math.log10(low))), Math.max(Math.ceil(Math.log10(high)), Math.floor(Math.log10(low)) + 1)] : [-2, 1];
    if (whole) return [0, 1.05 * (this.view.now.mode_count ?? 8)];
    const [least, most] = limits ?? [0, 0];
    if (!values.length) return limits ?? [0, 1];
    return [low < least - 1e-6 ? -nice(-low) : least, high > most + 1e-6 ? nice(high) : most || 0.1 * nice(Math.max(-low, 1))];
  }

  draw(g, width, height) {
    const { curves, ghost, now } = this.view, { log } = this.options;
    const names = Object.keys(this.series);
    const lines = names.map((name) => thinned(...curves.get(name), 300));
    const pale = ghost ? names.map((name) => thinned(...ghost.curves.get(name), 300)) : [];
    const last = Math.max(10, ...[...lines, ...pale].map((points) => points.at(-1)?.[0] ?? 0));
    const [low, high] = this.range([...lines, ...pale]);
    this.until = nice(last);
    this.left = 36;
    this.wide = width - this.left - 8;
    const top = 34, tall = height - top - 16;
    const x = (step) => this.left + (step / this.until) * this.wide;
    const y = (value) => top + (1 - ((log ? Math.log10(value) : value) - low) / (high - low)) * tall;
    this.frame(g, x, y, top, tall, low, high);
    g.save();
    g.beginPath();
    g.rect(this.left - 1, top - 2, this.wide + 3, tall + 4);
    g.clip();
    pale.forEach((points, i) => this.curve(g, points, x, y, names[i], 0.8, [1, 1.5], 0.7));
    lines.forEach((points, i) => {
      const past = points.filter(([step]) => step <= now.round), ahead = points.filter(([step]) => step >= (past.at(-1)?.[0] ?? 0));
      if (ahead.length > 1) this.curve(g, ahead, x, y, names[i], 1, null, 0.35);
      this.curve(g, past, x, y, names[i], 1.5, null, 1);
    });
    if (now.end > now.round) {
      g.setLineDash([4, 3]);
      g.strokeStyle = "#444";
      g.lineWidth = 1;
      g.beginPath();
      g.moveTo(x(now.round), top);
      g.lineTo(x(now.round), top + tall);
      g.stroke();
    }
    g.restore();
  }

  curve(g, points, x, y, name, width, dash, alpha) {
    const [, colour, line] = this.series[name];
    g.strokeStyle = g.fillStyle = colour;
    g.lineWidth = width;
    g.setLineDash(dash ?? DASHES[line]);
    g.globalAlpha = alpha;
    g.beginPath();
    let drawing = false;
    for (const [step, value] of points) {
      const good = Number.isFinite(value) && (!this.options.log || value > 0);
      if (good) drawing ? g.lineTo(x(step), y(value)) : g.moveTo(x(step), y(value));
      drawing = good;
    }
    g.stroke();
    if (points.length === 1 && drawing) g.fillRect(x(points[0][0]) - 1.5, y(points[0][1]) - 1.5, 3, 3);
    g.setLineDash([]);
    g.globalAlpha = 1;
  }

  frame(g, x, y, top, tall, low, high) {
    const { log, line } = this.options;
    g.fillStyle = "#222";
    g.font = "bold 11px sans-serif";
    g.textAlign = "left";
    g.fillText(this.title, 4, 12);
    g.font = "10px sans-serif";
    const legend = Object.values(this.series), room = this.left + this.wide + 12 - 25 * legend.length;
    const letters = legend.reduce((sum, [label]) => sum + g.measureText(label).width, 0);
    g.font = `${Math.max(7, Math.min(10, (10 * room) / letters))}px sans-serif`; // in one line on a phone, too
    let at = 4;
    for (const [label, colour, style] of legend) {
      g.strokeStyle = colour;
      g.lineWidth = 2;
      g.setLineDash(DASHES[style]);
      g.beginPath();
      g.moveTo(at, 23);
      g.lineTo(at + 14, 23);
      g.stroke();
      g.fillText(label, at + 17, 27);
      at += 25 + g.measureText(label).width;
    }
    g.font = "10px sans-serif";
    g.setLineDash([]);
    g.strokeStyle = "#999";
    g.lineWidth = 1;
    g.beginPath();
    g.moveTo(this.left - 0.5, top);
    g.lineTo(this.left - 0.5, top + tall + 0.5);
    g.lineTo(this.left + this.wide, top + tall + 0.5);
    g.stroke();
    const step = log ? Math.ceil((high - low) / 3) : nice((high - low) / 3.99);
    g.fillStyle = "#333";
    g.textAlign = "right";
    for (let tick = Math.ceil(low / step) * step; tick <= high + 1e-9; tick += step) {
      const label = log ? (tick < -3 || tick > 3 ? `1e${tick}` : String(10 ** tick)) : String(Number(tick.toPrecision(3)));
      g.fillText(label.slice(0, 6), this.left - 4, y(log ? 10 ** tick : tick) + 3);
    }
    g.textAlign = "center";
    for (const share of [0, 0.5, 1]) {
      const value = share * this.until;
      g.fillText(value < 1000 ? String(value) : `${value / 1000}k`, Math.min(x(value), this.left + this.wide - 4), top + tall + 13);
    }
    if (line === undefined) return;
    g.setLineDash([2, 3]);
    g.beginPath();
    g.moveTo(this.left, y(line));
    g.lineTo(this.left + this.wide, y(line));
    g.stroke();
    g.setLineDash([]);
  }
}
