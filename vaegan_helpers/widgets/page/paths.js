// Paths between two latents, as in interpolation.py: so many points, one after the other in one Float32Array.
const sum = (values) => values.reduce((a, b) => a + b, 0);
const norm = (v) => Math.hypot(...v);

function along(place, steps) {
  return Float32Array.from(Array.from({ length: steps }, (_, k) => place(k / (steps - 1))).flat());
}

export function linearPath(start, end, steps) {
  return along((t) => start.map((a, i) => (1 - t) * a + t * end[i]), steps);
}

// Along a great circle; the norm changes linearly. Where there is nothing to turn through, straight.
export function sphericalPath(start, end, steps) {
  const norms = [norm(start), norm(end)];
  if (start.length === 1 || Math.min(...norms) < 1e-12) return linearPath(start, end, steps);
  const u = start.map((a) => a / norms[0]), v = end.map((a) => a / norms[1]);
  if (norm(u.map((a, i) => a + v[i])) < 1e-12)
    throw Error("These two latents are opposite: many great circles run between them. Move one of them a little.");
  const cosine = sum(u.map((a, i) => a * v[i])), across = v.map((a, i) => a - cosine * u[i]), sine = norm(across);
  if (sine < 1e-12) return linearPath(start, end, steps);
  const angle = Math.atan2(sine, cosine);
  return along((t) => {
    const far = (1 - t) * norms[0] + t * norms[1];
    return u.map((a, i) => far * (Math.cos(t * angle) * a + Math.sin(t * angle) * across[i] / sine));
  }, steps);
}

export function stepLengths(path, points) { // the length of each step
  const size = path.length / points;
  return Array.from({ length: points - 1 }, (_, k) => {
    let square = 0;
    for (let i = k * size; i < (k + 1) * size; i++) square += (path[i + size] - path[i]) ** 2;
    return Math.sqrt(square);
  });
}
