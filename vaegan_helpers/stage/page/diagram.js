// The networks as small diagrams, in which those that are being trained stand in the light.

const WORDS = { discriminator: "D learns", generator: "G learns", encoder: "the encoder learns", decoder: "the decoder learns" };
// name: (middle x, middle y, width, words, colour)
const GAN = {
  noise: [30, 30, 48, "noise z", "prior"], generator: [112, 30, 70, "generator G", "generated"],
  real: [112, 82, 70, "real data x", "real"], discriminator: [214, 56, 86, "discriminator D", "discriminator"],
};
const VAE = {
  data: [30, 24, 48, "real x", "real"], encoder: [106, 24, 56, "encoder", "encoder"],
  code: [184, 24, 62, "mean, std", "prior"], decoder: [262, 24, 56, "decoder", "decoder"],
};

const arrow = (path, more = "") => `<path d="${path}" fill="none" stroke="currentColor" stroke-width="1.3" marker-end="url(#vg-tip)" ${more}/>`;
const words = (x, y, text, anchor = "middle") => `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="currentColor">${text}</text>`;
const back = (path, x, y, text) => arrow(path, 'stroke-dasharray="4 3"') + words(x, y, text);

function box([x, y, width, text, name], learns) {
  const colour = TABLES.colours[name];
  return `<rect x="${x - width / 2}" y="${y - 13}" width="${width}" height="26" rx="6" fill="#fff"/>
    <rect x="${x - width / 2}" y="${y - 13}" width="${width}" height="26" rx="6" fill="${learns ? `${colour}33` : "none"}" stroke="${colour}" stroke-width="${learns ? 2.8 : 1.1}"/>
    <text x="${x}" y="${y + 3.5}" text-anchor="middle" fill="#222" font-weight="${learns ? 700 : 400}">${text}</text>`;
}

function svg(name, height, boxes, trains, lines) {
  const own = trains.filter((part) => part in boxes).map((part) => WORDS[part]);
  const parts = Object.entries(boxes).map(([part, spec]) => box(spec, trains.includes(part)));
  return `<svg viewBox="0 0 346 ${height}" role="img" aria-label="Networks of the ${name}: ${own.join(" and ") || "nothing is being trained"}" class="vg-diagram">
    <defs><marker id="vg-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">
    <path d="M0 0 L8 4 L0 8 z" fill="currentColor"/></marker></defs>${lines.join("")}${parts.join("")}</svg>`;
}

// Both diagrams as SVG; `trains` lists the networks that learn now.
export function diagrams(trains) {
  const gan = [arrow("M54 30 L76 30"), arrow("M148 33 L171 48"), arrow("M148 80 L171 65"), arrow("M258 56 L281 56"), words(284, 53, "real or", "start"), words(284, 65, "generated?", "start")];
  if (trains.includes("generator")) gan.push(back("M214 42 C208 10 170 2 126 16", 252, 20, "gradient through D"));
  if (trains.includes("discriminator")) gan.push(back("M292 72 C286 98 238 100 220 71", 262, 104, "gradient"));
  const vae = [arrow("M54 24 L77 24"), arrow("M135 24 L152 24"), arrow("M216 24 L233 24"), arrow("M291 24 L304 24"), words(307, 28, "x\u0302", "start")];
  if (trains.includes("encoder")) vae.push(back("M310 34 C296 58 130 62 108 39", 205, 66, "gradient of reconstruction + beta KL"));
  return svg("GAN", 108, GAN, trains, gan) + svg("VAE", 70, VAE, trains, vae);
}
