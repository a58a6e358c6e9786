// The line that says what is shown; also names what ipywidgets leaves without a name.
function name(root, model) {
  const alts = model.get("alts");
  root.querySelectorAll("img.widget-image").forEach((image, i) => { image.alt = alts[i] ?? ""; });
  root.querySelectorAll(".widget-slider").forEach((slider) => {
    const label = slider.querySelector("label")?.textContent;
    slider.querySelectorAll(".noUi-handle, .widget-readout").forEach((part) => part.setAttribute("aria-label", label));
    slider.querySelector(".widget-readout")?.setAttribute("role", "textbox"); // the number can be typed over
  });
  root.querySelectorAll(".widget-play button").forEach((button, i) =>
    button.setAttribute("aria-label", ["Play or pause", "Stop", "Repeat"][i % 3]));
  root.querySelectorAll("canvas").forEach((canvas) => {
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", model.get("canvas_label"));
  });
}

const REST = 700; // milliseconds

function render({ model, el }) {
  const line = document.createElement("p");
  line.className = "vg-caption";
  line.setAttribute("aria-hidden", "true"); // the line below says the same
  const spoken = document.createElement("p"); // the same words once they rest, so that a walk is not read step by step
  spoken.className = "vg-spoken";
  spoken.setAttribute("role", "status");
  el.append(line, spoken);
  let root = null, speaking = 0;
  const draw = () => {
    if (line.textContent !== model.get("text")) {
      line.textContent = model.get("text");
      clearTimeout(speaking);
      speaking = setTimeout(() => { spoken.textContent = line.textContent; }, REST);
    }
    if (root) name(root, model);
  };
  const observer = new MutationObserver(draw); // the pictures arrive after this line
  const find = () => {
    root = el.closest(".vg-explorer");
    if (!root) { if (waited++ < 200) timer = setTimeout(find, 25); return; }
    observer.observe(root, { childList: true, subtree: true });
    draw();
  };
  let waited = 0;
  let timer = setTimeout(find, 0);
  model.on("change:text", draw);
  model.on("change:alts", draw);
  draw();
  return () => { clearTimeout(timer); clearTimeout(speaking); observer.disconnect(); model.off("change:text", draw); model.off("change:alts", draw); };
}

export default { render };
