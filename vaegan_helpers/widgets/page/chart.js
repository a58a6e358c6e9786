// A small chart: curves and bands over two axes with ticks, drawn anew from nothing each time.
const WIDTH = 420, HEIGHT = 250, LEFT = 58, RIGHT = 20, TOP = 12, BOTTOM = 42;

function ticks(low, high) { // three to six round numbers
  const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((step) => step >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(6)));
}

function powers(low, high) { // 1, 10, 100 and so on
  return Array.from({ length: Math.floor(Math.log10(high / low) + 1e-9) + 1 }, (_, k) => low * 10 ** k);
}

// `x` and `y` are [low, high]; a curve is {x, y, colour, width, dashed} or, filled down to `low`, a band; notes are words.
export function draw(svg, { x, y, xlabel, ylabel, logarithmic, curves, notes = [], alt }) {
  const scale = logarithmic ? Math.log : (value) => value;
  const right = (value) => LEFT + (WIDTH - LEFT - RIGHT) * (scale(value) - scale(x[0])) / (scale(x[1]) - scale(x[0]));
  const down = (value) => TOP + (HEIGHT - TOP - BOTTOM) * Math.min(9, Math.max(-9, (y[1] - value) / (y[1] - y[0]))); // far outside is outside
  const path = (xs, ys) => Array.from(xs, (value, k) => `${right(value).toFixed(1)},${down(ys[k]).toFixed(1)}`);
  const text = (left, top, words, more = "") => `<text x="${left}" y="${top}" ${more}>${words}</text>`;
  const parts = [`<path d="M${LEFT},${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}" fill="none" stroke="#333"/>`];
  for (const tick of logarithmic ? powers(...x) : ticks(...x)) parts.push(text(right(tick), HEIGHT - BOTTOM + 17, tick));
  for (const tick of ticks(...y)) parts.push(text(LEFT - 6, down(tick) + 4, tick, 'text-anchor="end"'));
  parts.push(text((WIDTH + LEFT) / 2, HEIGHT - 7, xlabel), text(0, 0, ylabel, `transform="translate(13 ${HEIGHT / 2 - 12}) rotate(-90)"`));
  const inner = `x="${LEFT}" y="${TOP}" width="${WIDTH - LEFT - RIGHT}" height="${HEIGHT - TOP - BOTTOM}"`;
  parts.push(`<svg ${inner} viewBox="${inner.match(/[\d.]+/g).join(" ")}" overflow="hidden">`);
  for (const { x: xs, y: ys, low, colour, width = 2, dashed } of curves) {
    const line = path(xs, ys);
    if (low) parts.push(`<path d="M${[...line, ...path(xs, low).reverse()].join("L")}Z" fill="${colour}" opacity="0.25"/>`);
    else parts.push(`<path d="M${line.join("L")}" fill="none" stroke="${colour}" stroke-width="${width}" ${dashed ? 'stroke-dasharray="6 4"' : ""}/>`);
  }
  parts.push("</svg>");
  notes.forEach(([words, colour, dashed], k) => {
    const top = TOP + 10 + 17 * k;
    parts.push(`<path d="M${WIDTH - 40},${top - 4}h26" stroke="${colour}" stroke-width="3" ${dashed ? 'stroke-dasharray="6 4"' : ""}/>`,
      text(WIDTH - 46, top, words, 'text-anchor="end"'));
  });
  svg.innerHTML = `<g font-family="sans-serif" font-size="13" fill="#333" text-anchor="middle">${parts.join("")}</g>`;
  svg.setAttribute("aria-label", alt);
}

export function emptyChart() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("width", WIDTH);
  svg.setAttribute("role", "img");
  return svg;
}
