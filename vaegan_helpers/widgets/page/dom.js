// An element of the page in one call: names that begin with "on" are events, all others attributes.
export function make(tag, attributes = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...inside);
  return element;
}

export const clip = (value, low, high) => Math.min(high, Math.max(low, value));
