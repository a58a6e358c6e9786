// What a hand does to an element: with a mouse, a pen or a finger, and with the arrow keys.

// Calls `move(x, y)` with shares of the element while a mouse, a pen or a finger is pressed on it.
export function follow(element, move, start = move, end = () => {}) {
  const shares = (event) => {
    const around = element.getBoundingClientRect();
    return [(event.clientX - around.left) / around.width, (event.clientY - around.top) / around.height];
  };
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
    event.preventDefault();
    start(...shares(event));
  });
  element.addEventListener("pointermove", (event) => {
    if (!element.hasPointerCapture(event.pointerId)) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const each of all.length ? all : [event]) move(...shares(each));
  });
  element.addEventListener("lostpointercapture", end);
}

// Calls `move(right, down)` for the arrow keys, five times as far with Shift; `home()` for the Home key.
export function arrowKeys(element, step, move, home) {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const far = step * (event.shiftKey ? 5 : 1), way = ways[event.key];
    if (way) move(far * way[0], far * way[1]);
    else if (event.key === "Home" && home) home();
    else return;
    event.preventDefault();
  });
}
