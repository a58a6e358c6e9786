// The networks of the course in plain JavaScript: layer after layer, a matrix product, a bias and an activation.
// Pictures and latents stand one after the other in one Float32Array, as rows of a matrix.

const FUNCTIONS = {
  identity: (x) => x,
  relu: (x) => (x > 0 ? x : 0),
  leaky_relu: (x) => (x > 0 ? x : 0.01 * x),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

// Bytes from Python as numbers. They may begin anywhere in a message, so they are copied to a place of their own.
export function numbers(bytes, Kind = Float32Array) {
  if (!bytes) return new Kind(0);
  return new Kind(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

// The layer's weights and biases; in an exported page a weight has 8 bits, and each column its scale.
function unpack({ inputs, outputs, weights, bias, scale }) {
  const layer = { inputs, outputs, bias: numbers(bias), weights: numbers(weights, scale ? Int8Array : Float32Array) };
  if (scale) {
    const scales = numbers(scale);
    layer.weights = Float32Array.from(layer.weights, (weight, k) => weight * scales[k % outputs]);
  }
  return layer;
}

// n rows through one layer.
function dense(x, n, { inputs, outputs, weights, bias }, f) {
  const y = new Float32Array(n * outputs);
  for (let row = 0; row < n; row++) {
    const sums = y.subarray(row * outputs, (row + 1) * outputs);
    sums.set(bias);
    for (let i = 0; i < inputs; i++) {
      const value = x[row * inputs + i];
      if (value === 0) continue; // a ReLU lets half of all numbers be zero
      const from = i * outputs;
      for (let j = 0; j < outputs; j++) sums[j] += value * weights[from + j];
    }
    for (let j = 0; j < outputs; j++) sums[j] = f(sums[j]);
  }
  return y;
}

// What a network sees of its input: noise with categories in it, or a picture with its waves beside it.
function entered(x, n, { categories = 0, frequencies = [] }) {
  if (categories) {
    const size = x.length / n;
    x = x.slice();
    for (let row = 0; row < n; row++) {
      const chosen = x.subarray(row * size, row * size + categories);
      let largest = 0;
      for (let k = 1; k < categories; k++) if (chosen[k] > chosen[largest]) largest = k;
      chosen.fill(0);
      chosen[largest] = 3;
    }
  }
  if (!frequencies.length) return x;
  const size = x.length / n, wide = size * (1 + 2 * frequencies.length), y = new Float32Array(n * wide);
  for (let row = 0; row < n; row++) {
    const one = x.subarray(row * size, (row + 1) * size);
    y.set(one, row * wide);
    frequencies.forEach((frequency, k) => {
      y.set(one.map((v) => Math.sin(frequency * v)), row * wide + (2 * k + 1) * size);
      y.set(one.map((v) => Math.cos(frequency * v)), row * wide + (2 * k + 2) * size);
    });
  }
  return y;
}

// A description from Python becomes a function: (x, n) -> y, with n rows in both.
export function network(description) {
  const layers = description.layers.map(unpack);
  const between = FUNCTIONS[description.activation], last = FUNCTIONS[description.output];
  return (x, n) => layers.reduce(
    (y, layer, k) => dense(y, n, layer, k === layers.length - 1 ? last : between), entered(x, n, description));
}
