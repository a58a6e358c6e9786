// Paths between two latents, as in interpolation.py: so many points, one after the other in one Float32Array.
const sum = (values) => values.reduce((a, b) => a + b, 0);
const norm = (v) => Math.hypot(...v);

function along(place, steps) {
  return Float32Array.from(Array.from({ length: steps }, (_, k) => place(k / (steps - 1))).flat());
}

export function linearPath(start, end, steps) {
  return along((t) => start.map((a, i) => (1 - t) * a + t * end[i]), steps);
}

// Along a great circle; the norm changes linearly. Where no single circle leads there: straight, or through any axis.
export function sphericalPath(start, end, steps) {
  const norms = [norm(start), norm(end)];
  if (start.length === 1 || Math.min(...norms) < 1e-12) return linearPath(start, end, steps);
  const u = start.map((a) => a / norms[0]), v = end.map((a) => a / norms[1]);
  const cosine = sum(u.map((a, i) => a * v[i]));
  let across = v.map((a, i) => a - cosine * u[i]), sine = norm(across);
  if (sine < 1e-9 && cosine > 0) return linearPath(start, end, steps);
  if (sine < 1e-9) {
    const sizes = u.map(Math.abs), k = sizes.indexOf(Math.min(...sizes)); // the axis most perpendicular to them
    across = u.map((a, i) => (i === k ? 1 : 0) - u[k] * a);
    sine = 0;
  }
  const length = norm(across), angle = Math.atan2(sine, cosine);
  return along((t) => {
    const far = (1 - t) * norms[0] + t * norms[1];
    return u.map((a, i) => far * (Math.cos(t * angle) * a + Math.sin(t * angle) * across[i] / length));
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
