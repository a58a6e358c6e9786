// A plane to move one point on: drag, click, or arrow keys. The marker follows at once, the kernel as fast as it can.
function render({ model, el }) {
  const pad = document.createElement("div");
  pad.className = "vg-pad";
  pad.tabIndex = 0;
  pad.setAttribute("role", "application");
  pad.setAttribute("aria-roledescription", "two-dimensional slider");
  pad.dataset.lmSuppressShortcuts = "true"; // arrow keys move the point, not JupyterLab's cell
  const picture = document.createElement("img");
  picture.alt = "";
  const marker = document.createElement("div");
  marker.className = "vg-marker";
  pad.append(picture, marker);
  el.append(pad);

  let address = null;
  const background = () => {
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(new Blob([model.get("background")], { type: "image/png" }));
    picture.src = address;
    pad.style.width = `${model.get("size")}px`;
    pad.style.aspectRatio = "1";
  };
  const place = () => {
    const [x, y] = model.get("point");
    const [x0, x1, y0, y1] = model.get("bounds");
    const [left, top, width, height] = model.get("box"); // of the axes, as shares of the picture
    marker.style.left = `${100 * (left + width * (x - x0) / (x1 - x0))}%`;
    marker.style.top = `${100 * (top + height * (y1 - y) / (y1 - y0))}%`;
    pad.setAttribute("aria-label", `${model.get("label")}: ${x.toFixed(2)}, ${y.toFixed(2)}. Arrow keys move it.`);
  };
  const move = (x, y) => {
    const [x0, x1, y0, y1] = model.get("bounds");
    model.set("point", [Math.min(x1, Math.max(x0, x)), Math.min(y1, Math.max(y0, y))]);
    place();
    model.save_changes();
  };
  const follow = (event) => {
    const around = pad.getBoundingClientRect();
    const [x0, x1, y0, y1] = model.get("bounds");
    const [left, top, width, height] = model.get("box");
    const across = ((event.clientX - around.left) / around.width - left) / width;
    const down = ((event.clientY - around.top) / around.height - top) / height;
    move(x0 + across * (x1 - x0), y1 - down * (y1 - y0));
  };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    pad.focus({ preventScroll: true });
    follow(event);
    event.preventDefault();
  });
  pad.addEventListener("pointermove", (event) => { if (pad.hasPointerCapture(event.pointerId)) follow(event); });
  const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  pad.addEventListener("keydown", (event) => {
    const [x, y] = model.get("point");
    const step = model.get("step") * (event.shiftKey ? 5 : 1);
    if (event.key in directions) {
      const [dx, dy] = directions[event.key];
      move(x + dx * step, y + dy * step);
    } else if (event.key === "Home") move(...model.get("home"));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  model.on("change:point", place);
  model.on("change:background", background);
  background();
  place();
  return () => {
    URL.revokeObjectURL(address);
    model.off("change:point", place);
    model.off("change:background", background);
  };
}

export default { render };
