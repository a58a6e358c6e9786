// Noise that Python draws alike (noise.py): the hash of a counter, so that a seed says everything.
export function uniform(seed, count, stream = 0) {
  const start = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b), numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let state = (Math.imul(i, 0x6d2b79f5) + start) | 0;
    state = Math.imul(state ^ (state >>> 15), state | 1);
    state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
    numbers[i] = ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
  }
  return numbers;
}

export function normal(seed, count, stream = 0) { // by Box and Muller's transform
  const a = uniform(seed, count, stream), b = uniform(seed, count, stream + 1);
  return Float32Array.from(a, (u, i) => Math.sqrt(-2 * Math.log1p(-u)) * Math.cos(2 * Math.PI * b[i]));
}

export function choice(seed, below, count) { // different whole numbers below a limit, in a random order
  const order = uniform(seed, below, 7);
  return [...order.keys()].sort((a, b) => order[a] - order[b] || a - b).slice(0, count);
}
