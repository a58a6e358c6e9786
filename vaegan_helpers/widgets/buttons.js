// Buttons: each calls a function in the kernel, which then sends a picture and words.
import { make } from "./page/dom.js";
import { explorer } from "./page/explorer.js";

export default explorer((page) => {
  const { actions, width } = page.data, picture = make("img", { width, alt: "", class: "vg-image" });
  let address = "";
  const press = (label) => page.ask(label, Float32Array.of(0), 1).catch((error) => page.warn(error.message));
  page.root.append(page.row(...actions.map((label) => page.button(label, () => press(label)))), picture);

  return () => {
    const { png, alt, words } = page.get("shown");
    if (!png) return;
    URL.revokeObjectURL(address);
    picture.src = address = URL.createObjectURL(new Blob([png], { type: "image/png" }));
    picture.onload = () => URL.revokeObjectURL(address); // once it is drawn
    picture.alt = alt;
    page.say(words);
  };
});
