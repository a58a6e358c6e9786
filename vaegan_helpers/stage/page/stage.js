// The stage's hands in the page: keys, downloads, and names for what ipywidgets leaves without one.
const KEYS = new Set([" ", "ArrowRight", "ArrowLeft", "Home", "End"]);
const TAKES_ARROWS = "input, select, textarea, canvas, [contenteditable=true], .noUi-handle, .widget-readout";
const TAKES_SPACE = `${TAKES_ARROWS}, button, a, label`;

function download({ name, kind }, bytes) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: kind }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function render({ model, el }) {
  let root = null;
  let region = null;
  const onKey = (event) => {
    if (!KEYS.has(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest(event.key === " " ? TAKES_SPACE : TAKES_ARROWS)) return;
    event.preventDefault(); // no scrolling
    event.stopPropagation();
    model.send({ key: event.key, shift: event.shiftKey });
  };
  const onClick = (event) => { if (!event.target.closest(TAKES_SPACE)) region?.focus({ preventScroll: true }); };
  const name = () => {
    root.querySelectorAll(".widget-toggle-buttons").forEach((group) => {
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", group.querySelector("label")?.textContent || group.title || "Choice");
    });
    root.querySelectorAll(".vg-number button").forEach((button) => button.setAttribute("aria-label", button.title)); // "× 2" of what
    root.querySelectorAll("button.widget-toggle-button, .widget-toggle-buttons button").forEach((button) =>
      button.setAttribute("aria-pressed", String(button.classList.contains("mod-active"))));
  };
  const observer = new MutationObserver(name);
  const message = (content, buffers) => {
    if (content.download) download(content.download, buffers[0]);
    if (content.copy) navigator.clipboard?.writeText(content.copy).then(() => model.send({ copied: true }), () => model.send({ copied: false }));
  };
  // The kernel waits for these answers, so that pictures never queue up on a slow line.
  // A page that is opened while cells run may lay an older state over a newer one: it tells what it holds once that rests.
  let resting = 0;
  const held = () => {
    clearTimeout(resting);
    resting = setTimeout(() => model.send({ holds: model.get("news") }), 500);
  };
  const seen = () => model.send({ seen: model.get("beat") });
  const find = () => {
    root = el.closest(".vg-stage");
    region = root?.querySelector(".vg-region");
    if (!region) { if (waited++ < 400) timer = setTimeout(find, 25); return; }
    root.dataset.lmSuppressShortcuts = "true"; // keys move the stage, not JupyterLab's cells
    region.tabIndex = 0;
    region.setAttribute("role", "group");
    region.setAttribute("aria-label", model.get("label"));
    root.addEventListener("keydown", onKey);
    region.addEventListener("click", onClick);
    observer.observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
    name();
  };
  let waited = 0;
  let timer = setTimeout(find, 0);
  model.on("msg:custom", message);
  model.on("change:beat", seen);
  seen();
  model.on("change:news", held);
  held();
  return () => {
    model.send({ left: true });
    clearTimeout(resting);
    model.off("change:news", held);
    model.off("change:beat", seen);
    clearTimeout(timer);
    observer.disconnect();
    model.off("msg:custom", message);
    root?.removeEventListener("keydown", onKey);
    region?.removeEventListener("click", onClick);
  };
}

export default { render };
