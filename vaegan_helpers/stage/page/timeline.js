// A counter of rounds, and a slider over the states that are kept. Only a hand on the slider is told to the kernel.
function render({ model, el }) {
  const row = document.createElement("div");
  row.className = "vg-time";
  const count = document.createElement("span");
  count.className = "vg-count";
  const label = document.createElement("label");
  label.textContent = "Timeline";
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = 0;
  label.append(slider);
  row.append(count, label);
  el.append(row);

  const draw = () => {
    const [step, end, speed] = ["step", "end", "speed"].map((name) => model.get(name));
    const after = end > step ? `of ${end.toLocaleString("en")}` : "";
    count.innerHTML = "";
    const small = document.createElement("small");
    small.textContent = [after, model.get("modes"), speed ? `${speed.toFixed(0)} pictures/s` : ""].filter(Boolean).join(" · ");
    count.append(`Round ${step.toLocaleString("en")} `, small);
    slider.max = Math.max(1, end);
    slider.disabled = end === 0;
    if (!held) slider.value = step;
    slider.setAttribute("aria-valuetext", `round ${step} of ${end}`);
  };
  let held = false; // while the hand drags it, the slider stays under the hand
  slider.addEventListener("pointerdown", () => { held = true; });
  slider.addEventListener("pointerup", () => { held = false; draw(); });
  slider.addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab would take the arrow keys
  slider.addEventListener("input", () => model.send({ to: Number(slider.value) }));
  slider.addEventListener("change", () => { held = false; });
  for (const name of ["step", "end", "modes", "speed"]) model.on(`change:${name}`, draw);
  draw();
  return () => { for (const name of ["step", "end", "modes", "speed"]) model.off(`change:${name}`, draw); };
}

export default { render };
