// In a page without a kernel this stands for the widget's model: it keeps the state and tells who listens.
function standIn(state) {
  const listeners = {}, tell = (name, ...news) => [...(listeners[name] ?? [])].forEach((listener) => listener(...news));
  return {
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      tell(`change:${name}`);
      tell("change");
    },
    on: (name, listener) => (listeners[name] ??= []).push(listener),
    off: (name, listener) => { listeners[name] = (listeners[name] ?? []).filter((other) => other !== listener); },
    save_changes() {},
    send: ({ id }) => setTimeout(() => tell("msg:custom", { id, error: "This model is computed by a kernel, and this page has none." })),
  };
}

// Bytes stand as text in a page.
function revive(key, value) {
  if (value?.base64 === undefined) return value;
  return new DataView(Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0)).buffer);
}

export function enliven(name, explorer) {
  const state = document.querySelector(`script[data-state="${name}"]`).textContent;
  for (const el of document.querySelectorAll(`[data-explorer="${name}"]:not([data-alive])`)) {
    el.dataset.alive = "";
    el.replaceChildren();
    explorer.render({ model: standIn(JSON.parse(state, revive)), el });
  }
}
