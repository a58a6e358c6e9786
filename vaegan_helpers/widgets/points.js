// DrawPoints: a page to draw a data set on, whose points a cell has.
import { dotsPad, drawDots } from "./page/dots.js";
import { explorer } from "./page/explorer.js";

export default explorer((page) => {
  page.root.className = "vg-explorer vg-bare";
  const pad = dotsPad({ ...page.data, get: () => page.get("places"), set: (places) => page.set({ places }) });
  page.root.append(pad.element);

  return () => {
    drawDots(pad, page.get("places"), page.data.limit);
    page.say(`${page.get("places").length} points.`);
  };
});
