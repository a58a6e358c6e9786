// The pages' script: it wakes what moves when it comes into sight, and serves the reader: theme, folded code, copying,
// the contents that follow, the search. Without it the pages can still be read; opened from a disk, it works as well.
import { make } from "../../widgets/page/dom.js";

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// What a reader chose is remembered, where the browser allows it.
const memory = {
  get(name) { try { return localStorage.getItem(`edition-${name}`); } catch { return null; } },
  set(name, value) { try { localStorage.setItem(`edition-${name}`, value); } catch { /* this page alone, then */ } },
};

// --- files: scripts and data come as plain scripts, the only kind that a page from a disk may load ---

const waiting = new Map(), arrived = new Map();
window.edition = {
  arrived(address, what) { arrived.set(address, what); },
};

function load(address) {
  if (!waiting.has(address)) {
    waiting.set(address, new Promise((resolve, reject) => {
      document.head.append(make("script", { src: address, onload: () => resolve(arrived.get(address)),
        onerror: () => reject(Error(`${address} is missing`)) }));
    }));
  }
  return waiting.get(address);
}

// --- what moves ---

const wake = {
  async explorer(el) {
    const [model, shown, state] = await Promise.all(["stand", "module", "state"].map((part) => load(el.dataset[part])));
    el.replaceChildren();
    shown.render({ model: model.standIn(JSON.parse(JSON.stringify(state), model.revive)), el });
  },
  async stage(el) {
    const [replay, packed] = await Promise.all(["module", "state"].map((part) => load(el.dataset[part])));
    await replay(el, packed);
  },
};

function wakeInSight() {
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      wake[target.dataset.kind](target).then(() => { target.dataset.awake = ""; },
        (error) => target.append(make("p", { class: "trouble" }, `This cannot move: ${error.message}.`)));
    }
  }, { rootMargin: "800px" });
  for (const el of all(".alive")) near.observe(el);
}

function turnFlipbooks() {
  for (const book of all(".flipbook")) {
    const frames = JSON.parse(book.dataset.frames), captions = JSON.parse(book.dataset.captions);
    const slider = one("input", book), picture = one("img", book), caption = one("figcaption", book);
    slider.value = slider.max;
    slider.parentElement.hidden = false;
    slider.addEventListener("input", () => {
      picture.src = frames[slider.value];
      caption.textContent = captions[slider.value];
      slider.setAttribute("aria-valuetext", captions[slider.value]);
    });
    slider.addEventListener("focus", () => frames.forEach((frame) => { new Image().src = frame; }), { once: true });
  }
}

// --- switches ---

function themeSwitch(button) {
  const root = document.documentElement, next = { system: "light", light: "dark", dark: "system" };
  const show = () => { button.textContent = `Theme: ${root.dataset.theme ?? "system"}`; };
  button.addEventListener("click", () => {
    const theme = next[root.dataset.theme ?? "system"];
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    memory.set("theme", theme);
    show();
  });
  show();
}

function codeSwitch(button) {
  const cells = all("details.source");
  button.hidden = !cells.length;
  let shown = memory.get("code") !== "folded";
  const show = () => {
    button.textContent = shown ? "Fold the code" : "Show the code";
    for (const cell of cells) cell.open = shown;
  };
  button.addEventListener("click", () => {
    shown = !shown;
    memory.set("code", shown ? "shown" : "folded");
    show();
  });
  show();
}

function copyButtons() {
  for (const pre of all(".highlight pre, pre > code")) {
    const button = make("button", { type: "button", class: "copy", onclick: () => copy(pre.textContent, button) }, "Copy");
    pre.closest(".scroll").before(make("div", { class: "over" }, button));
  }
}

async function copy(text, button) {
  const field = make("textarea", { class: "unseen", "aria-hidden": "true" });
  try {
    await navigator.clipboard.writeText(text);
  } catch { // as on an address without encryption
    field.value = text;
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

// What is wider than its place scrolls in itself, by keys too.
function scrollers() {
  const look = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const wide = target.scrollWidth > target.clientWidth + 1;
      if (!wide) for (const name of ["tabindex", "role", "aria-label"]) target.removeAttribute(name);
      else for (const [name, value] of [["tabindex", 0], ["role", "group"], ["aria-label", "Scrolls sideways"]]) target.setAttribute(name, value);
    }
  });
  for (const part of all(".scroll, .formula, .long")) look.observe(part);
}

// --- the contents at the side ---

function followReading() {
  const contents = one(".contents");
  if (!contents) return;
  const wide = matchMedia("(min-width: 1080px)"), fold = () => { contents.open = wide.matches; };
  fold();
  wide.addEventListener("change", fold);
  const links = new Map(all("a[href^='#']", contents).map((link) => [link.hash.slice(1), link]));
  const heads = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  let due = false;
  const follow = () => {
    due = false;
    const past = heads.filter((head) => head.getBoundingClientRect().top < innerHeight / 3), now = links.get(past.at(-1)?.id);
    for (const link of links.values()) link.toggleAttribute("aria-current", link === now);
    if (now) now.setAttribute("aria-current", "true");
    if (now && wide.matches) {
      const [a, b] = [now.getBoundingClientRect(), contents.getBoundingClientRect()];
      if (a.top < b.top || a.bottom > b.bottom) contents.scrollTop += a.top - b.top - b.height / 3;
    }
  };
  addEventListener("scroll", () => { if (!due) requestAnimationFrame(follow); due = true; }, { passive: true });
  follow();
  contents.addEventListener("click", (event) => { if (event.target.closest("a") && !wide.matches) contents.open = false; });
}

// A link into something folded opens it.
function openAround() {
  let target = null;
  try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
  for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  target?.scrollIntoView();
}

// --- the search: every word must begin a word of the section; a title counts most ---

const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

function found(sections, query) {
  const words = plain(query).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  if (!words.length) return [];
  const starts = words.map((word) => new RegExp(`(?<![\\p{L}\\p{N}])${word}`, "gu"));
  const scored = sections.map(([address, page, title, text]) => {
    const [head, body] = [plain(title), plain(text)];
    let score = 0;
    for (const start of starts) {
      const inHead = head.match(start)?.length ?? 0, inBody = body.match(start)?.length ?? 0;
      if (!inHead && !inBody) return null;
      score += 10 * inHead + Math.min(inBody, 5);
    }
    if (head.includes(words.join(" "))) score += 50; // the very words, in this order
    const at = Math.max(0, body.search(starts[0]) - 50), end = at + 170;
    const excerpt = `${at ? "…" : ""}${text.slice(at, end)}${end < text.length ? "…" : ""}`;
    return { address, page, title, score, excerpt };
  });
  return scored.filter(Boolean).sort((a, b) => b.score - a.score).slice(0, 20);
}

function search(button) {
  const dialog = one("dialog.search"), field = one("input", dialog), list = one("ol", dialog), said = one("[role=status]", dialog);
  let sections = [];
  const show = () => {
    const results = found(sections, field.value);
    list.replaceChildren(...results.map(({ address, page, title, excerpt }) => make("li", {},
      make("a", { href: address, onclick: () => dialog.close() }, title === page ? title : `${page}: ${title}`), make("p", {}, excerpt))));
    said.textContent = !field.value.trim() ? "" : results.length ? `${results.length} ${results.length === 1 ? "section" : "sections"}` : "Nothing found.";
  };
  const open = () => {
    if (dialog.open) return;
    dialog.showModal();
    field.select();
    load(dialog.dataset.index).then((index) => { sections = index; show(); }, (error) => { said.textContent = error.message; });
  };
  button.addEventListener("click", open);
  field.addEventListener("input", show);
  one("form", dialog).addEventListener("submit", (event) => { event.preventDefault(); one("a", list)?.click(); });
  one(".close", dialog).addEventListener("click", () => dialog.close());
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea, .vg-stage, .vg-explorer")) return;
    event.preventDefault();
    open();
  });
}

document.documentElement.dataset.scripts = "";
themeSwitch(one("#theme"));
codeSwitch(one("#code"));
search(one("#search"));
copyButtons();
turnFlipbooks();
scrollers();
followReading();
wakeInSight();
addEventListener("hashchange", openAround);
if (location.hash) openAround();
// On paper nothing can be opened any more.
addEventListener("beforeprint", () => { for (const fold of all("details.reveal")) fold.open = true; });
