// How each mark of the table of layers is drawn on a plane. `faint` is 1, or less where another layer is in the light.

const ARROW = 0.4; // length of an arrow, in units of the plane, where the gradient is 1 nat per unit
const LONGEST_ARROW = 1;

function mix(colour, share) {
  return [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16) * share + 255 * (1 - share));
}

// From generated over undecided to real, paler than the colours themselves, so that dots stand out.
const PALETTE = (() => {
  const ends = [TABLES.colours.generated, "#ffffff", "#666666"].map((colour) => mix(colour, 0.65));
  return Array.from({ length: 256 }, (_, i) => {
    const [from, to, share] = i < 128 ? [ends[0], ends[1], i / 127.5] : [ends[1], ends[2], i / 127.5 - 1];
    return from.map((part, k) => part + (to[k] - part) * share);
  });
})();
export const css = (level) => `rgb(${PALETTE[level].map(Math.round)})`;
const heat = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });

function surface({ g, x, y, edges }, { data, shape: [rows, columns] }) {
  [heat.width, heat.height] = [columns, rows];
  const picture = new ImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      picture.data.set(PALETTE[data[row * columns + column]], 4 * ((rows - 1 - row) * columns + column)); // lowest y first
      picture.data[4 * ((rows - 1 - row) * columns + column) + 3] = 255;
    }
  }
  heat.getContext("2d").putImageData(picture, 0, 0);
  g.imageSmoothingQuality = "high";
  g.drawImage(heat, x(edges[0]), y(edges[3]), x(edges[1]) - x(edges[0]), y(edges[2]) - y(edges[3]));
}

// Calls draw(x, y) in pixels for each row of an array of points.
function each({ x, y }, { data }, draw, stride = 2) {
  for (let i = 0; i < data.length; i += stride) draw(x(data[i]), y(data[i + 1]), i);
}

function line(plane, points) {
  points.forEach(([a, b], i) => (i ? plane.g.lineTo(plane.x(a), plane.y(b)) : plane.g.moveTo(plane.x(a), plane.y(b))));
}

function grid(plane, { data, shape: [rows, columns] }, { colour }, faint) {
  const at = (row, column) => [data[2 * (row * columns + column)], data[2 * (row * columns + column) + 1]];
  const range = (count) => Array.from({ length: count }, (_, i) => i);
  plane.g.beginPath();
  for (const row of range(rows)) line(plane, range(columns).map((column) => at(row, column)));
  for (const column of range(columns)) line(plane, range(rows).map((row) => at(row, column)));
  stroke(plane.g, colour, faint < 1 ? 0.7 : 0.9, 0.8 * faint);
}

function stroke(g, colour, width, alpha = 1) {
  g.globalAlpha = alpha;
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.stroke();
  g.globalAlpha = 1;
}

function points(shape, size, border, alpha) {
  return (plane, array, { colour }, faint, bold) => {
    const { g } = plane, r = size * bold * Math.max(0.75, Math.min(1.2, plane.size / 300));
    g.beginPath();
    each(plane, array, (a, b) => shape(g, a, b, r));
    g.globalAlpha = alpha * faint;
    if (shape === cross) return stroke(g, colour, 1.2, alpha * faint);
    g.fillStyle = colour;
    g.fill();
    if (border) stroke(g, "#fff", 0.6, faint);
    g.globalAlpha = 1;
  };
}

const disc = (g, a, b, r) => { g.moveTo(a + r, b); g.arc(a, b, r, 0, 2 * Math.PI); };
const cross = (g, a, b, r) => { g.moveTo(a - r, b - r); g.lineTo(a + r, b + r); g.moveTo(a - r, b + r); g.lineTo(a + r, b - r); };
const diamond = (g, a, b, r) => { g.moveTo(a - r, b); g.lineTo(a, b - r); g.lineTo(a + r, b); g.lineTo(a, b + r); g.closePath(); };

function ellipses({ g, x, y }, { data }, { colour }, faint) {
  for (let i = 0; i < data.length; i += 4) {
    g.beginPath();
    g.ellipse(x(data[i]), y(data[i + 1]), Math.abs(x(2 * data[i + 2]) - x(0)), Math.abs(y(2 * data[i + 3]) - y(0)), 0, 0, 2 * Math.PI);
    stroke(g, colour, 0.9, 0.6 * faint);
  }
  g.setLineDash([2, 3]); // the prior, at one and two standard deviations
  for (const radius of [1, 2]) { g.beginPath(); disc(g, x(0), y(0), x(radius) - x(0)); stroke(g, "#777", 1); }
  g.setLineDash([]);
}

function links(plane, { data }, { colour }, faint) {
  plane.g.beginPath();
  for (let i = 0; i < data.length; i += 4) line(plane, [[data[i], data[i + 1]], [data[i + 2], data[i + 3]]]);
  stroke(plane.g, colour, 1.1, faint);
}

function arrows({ g, x, y }, { data }, { colour }, faint) {
  g.beginPath();
  for (let i = 0; i < data.length; i += 4) {
    const pull = [ARROW * (data[i + 2] || 0), ARROW * (data[i + 3] || 0)], length = Math.hypot(...pull);
    const share = Math.min(1, LONGEST_ARROW / Math.max(length, 1e-12));
    const [a, b] = [x(data[i]), y(data[i + 1])], [c, d] = [x(data[i] + share * pull[0]), y(data[i + 1] + share * pull[1])];
    const drawn = Math.hypot(c - a, d - b), head = Math.min(6, 0.5 * drawn), angle = Math.atan2(d - b, c - a);
    if (drawn < 1.5) continue; // a pull that is next to nothing leaves no mark
    g.moveTo(a, b);
    g.lineTo(c, d);
    for (const turn of [2.6, -2.6]) { g.moveTo(c, d); g.lineTo(c + head * Math.cos(angle + turn), d + head * Math.sin(angle + turn)); }
  }
  stroke(g, colour, 1.7, faint);
}

// The Dirac game: the way of (G's number, D's number), and the VAE's one number on the axis where D is 0.
function path(plane, { ways }) {
  const { g, x, y, edges } = plane;
  g.beginPath();
  line(plane, [[edges[0], 0], [edges[1], 0]]);
  line(plane, [[0, edges[2]], [0, edges[3]]]);
  stroke(g, "#bbb", 1);
  for (const { points: places, colour, dash, alpha, shape } of ways) {
    if (!places.length) continue;
    g.setLineDash(dash);
    g.beginPath();
    line(plane, places);
    stroke(g, colour, 1.6, alpha);
    g.setLineDash([]);
    if (!shape) continue;
    g.beginPath();
    (shape === "disc" ? disc : diamond)(g, x(places.at(-1)[0]), y(places.at(-1)[1]), 6);
    g.fillStyle = colour;
    g.fill();
    stroke(g, "#fff", 1.5);
  }
}

export const MARKS = {
  surface, grid, ellipses, links, arrows, path,
  dots: points(disc, 1.6, false, 0.8),
  crosses: points(cross, 2.6, false, 0.9),
  diamonds: points(diamond, 2.6, true, 1),
  discs: points(disc, 2.5, true, 1),
  rings: (plane, array, { colour }, faint) => {
    plane.g.beginPath();
    each(plane, array, (a, b) => disc(plane.g, a, b, 3));
    stroke(plane.g, colour, 1.2, faint);
  },
};

// The sign that stands for a layer beside its switch.
export function sign(canvas, layer) {
  const g = canvas.getContext("2d");
  g.scale(2, 2);
  g.fillStyle = "#fff";
  g.fillRect(0, 0, 22, 16);
  const to = (scale, shift) => (value) => shift + scale * value;
  const plane = { g, x: to(8, 11), y: to(-6, 8), edges: [-1.2, 1.2, -1.2, 1.2], size: 300 };
  const one = { data: [0, 0], shape: [1, 2] };
  const samples = {
    surface: { data: Uint8Array.from({ length: 8 }, (_, i) => 36 * i), shape: [1, 8] },
    grid: { data: [-1, -1, 0, -0.8, 1, -1, -1, 0, 0, 0.2, 1, 0, -1, 0.8, 0, 1, 1, 0.8], shape: [3, 3, 2] },
    ellipses: { data: [0, 0, 0.4, 0.3] },
    links: { data: [-0.9, -0.7, 0.9, 0.7] },
    arrows: { data: [-0.9, -0.5, 4.5, 2.5] },
    path: { ways: [{ points: Array.from({ length: 20 }, (_, i) => [(1 - i / 20) * Math.cos(i / 2), (1 - i / 20) * Math.sin(i / 2)]), colour: layer.colour, dash: [], alpha: 1 }] },
  };
  MARKS[layer.mark](plane, samples[layer.mark] ?? one, layer, 1, 1.3);
}
