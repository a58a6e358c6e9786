// Where answers come from: a kernel that is asked, or the frames of a recording. Both are arrays under their names.

// One array of an answer: numbers, their shape, and for 8 bits what the levels mean.
function read([, kind, shape, low, scale], bytes) {
  const [buffer, from, size] = [bytes.buffer, bytes.byteOffset, bytes.byteLength];
  if (kind === "u1") return { data: new Uint8Array(buffer, from, size), shape, low, scale };
  const aligned = buffer.slice(from, from + size);
  if (kind === "f4") return { data: new Float32Array(aligned), shape };
  return { data: Float32Array.from(new Int16Array(aligned), (level) => level * scale), shape };
}

// Asks the kernel. `hear(content)` is told what it says without being asked.
export function kernelSource(model, hear) {
  const me = Math.random().toString(36).slice(2), waiting = new Map();
  let count = 0;
  const listen = (content, buffers = []) => {
    const [page, place] = (content.to ?? "").split(":");
    if (content.to && page !== me) return content.moved && hear({ changed: true }); // another page moved the stage
    if (!content.to) return hear(content);
    const arrays = {};
    content.arrays?.forEach((described, i) => { arrays[described[0]] = read(described, buffers[i]); });
    waiting.get(place)?.({ ...content, arrays, place: Number(place) });
    waiting.delete(place);
  };
  model.on("msg:custom", listen);
  return {
    live: true,
    ask: (message) => new Promise((resolve) => {
      const place = String(count++);
      waiting.set(place, resolve);
      model.send({ from: `${me}:${place}`, ...message });
    }),
    status: () => model.widget_manager?.kernel?.status,
    forget: () => { waiting.forEach((resolve) => resolve(null)); waiting.clear(); },
    close: () => model.off("msg:custom", listen),
  };
}

// Unpacks a recording: arrays were stored as differences to the frame before, and wrap around as their sums do.
export async function recordingSource(packed) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const all = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(all.buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(all.subarray(4, 4 + length)));
  const before = {}, kinds = { u1: Uint8Array, i2: Int16Array, f4: Float32Array };
  let at = 4 + length;
  const frames = head.frames.map(([header, parts]) => {
    const arrays = {};
    for (const described of parts) {
      const [name, kind, shape, , , fresh] = described;
      const size = shape.reduce((a, b) => a * b, 1) * kinds[kind].BYTES_PER_ELEMENT;
      const levels = new kinds[kind](all.slice(at, at + size).buffer);
      at += size;
      if (!fresh) levels.forEach((level, i) => { levels[i] = level + before[name][i]; });
      before[name] = levels;
      arrays[name] = read(described, new Uint8Array(levels.buffer));
    }
    return { ...header, arrays };
  });
  return { live: false, curves: frames.shift().arrays, frames, layers: head.layers, text: head.text };
}
