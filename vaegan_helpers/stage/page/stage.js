// The stage in the page: it asks for the next picture when it has the last one, draws what comes, and answers the hands.
import { button, download, h, labelled, number, select, setOptions } from "./dom.js";
import { kernelSource, recordingSource } from "./source.js";
import { sign } from "./marks.js";
import { Plane } from "./plane.js";
import { Chart, Curves } from "./chart.js";
import { diagrams } from "./diagram.js";
import { Settings } from "./controls.js";
import { Drawing } from "./drawing.js";

const WHO = { "D and G": "both", "D only": "discriminator", "G only": "generator" };
const SPEEDS = { "1 round a second": 1, "5 rounds a second": 5, "20 rounds a second": 20, "100 rounds a second": 100, "500 rounds a second": 500, "as fast as it goes": Infinity };
const PICTURES = 30; // a second, where a speed is set
const TRAINING = 22; // milliseconds of training between two pictures, as fast as it goes
const MOST_ROUNDS = 4096; // between two pictures
const AHEAD = 2; // pictures that are asked for and have not come
const PART_SECONDS = 2.5; // of the slow motion, while it plays
const CHARTS_EVERY = 100, WORDS_EVERY = 4000, PATIENCE = 1000; // milliseconds
const TAKES_ARROWS = "input, select, textarea";
const KEYS = "Pictures of the stage. Space plays and pauses. Right arrow goes one round on, left arrow back to an earlier state, with Shift ten times as far. "
  + "Home goes to the beginning, End to the latest round. On one picture, Alt with the arrows moves a pointer that reads it out.";
const BUSY = "The kernel is busy: it prepares this choice for its first use, which takes some seconds, or it runs a cell. The stage goes on right after.";
const GONE = "The kernel was restarted or has ended. Run this cell again to begin a new stage.";
const CLOSED = "This stage was closed, for instance because its cell was run again in another tab. Run the cell to have it here.";
const CONSTANT = ["real", "noise"];

class Stage {
  constructor(el, layers) {
    Object.assign(this, { layers: new Set(layers), arrays: {}, curves: new Curves(), now: { round: 0, end: 0, kept: [0], settings: {}, trains: "both" } });
    Object.assign(this, { playing: false, acts: [], rounds: 4, chartsAt: 0, wordsAt: 0, toldAt: 0, ghost: null, probed: null });
    this.build(el);
  }

  // What is on the page

  build(el) {
    this.playButton = h("button", { type: "button", className: "vg-play", title: "Play or pause (Space)", onclick: () => this.toggle() });
    this.stepButton = button("Step", "One round, or one part of it in slow motion (right arrow)", () => this.goOn());
    this.again = button("Start again", "Round 0 with the same seed and settings", () => this.live ? this.act("again") : this.goTo(0));
    this.who = "both";
    this.whoButtons = Object.entries(WHO).map(([words, who]) => button(words, "", () => { this.who = who; this.look(); }));
    this.slowButton = button("Slow motion", "Goes through a round in numbered parts", () => this.setSlow(!this.slow));
    this.speed = select(Object.keys(SPEEDS), "as fast as it goes", () => {});
    this.preset = select(["none", ...TABLES.presets], "none", (name) => name !== "none" && this.act("preset", name));
    this.preset.title = "A run to watch; it begins anew";
    this.onlyLive = [h("span", { role: "group", "aria-label": "Trains", className: "vg-group" }, h("span", {}, "Trains"), ...this.whoButtons), this.slowButton, labelled("Preset", this.preset)];
    this.toolbar = h("div", { className: "vg-toolbar" }, this.playButton, this.stepButton, this.again, ...this.onlyLive.slice(0, 2), labelled("Speed", this.speed), this.onlyLive[2]);
    this.count = h("span", { className: "vg-count" });
    this.slider = h("input", { type: "range", min: 0, oninput: () => this.scrub(Number(this.slider.value)) });
    for (const [event, held] of [["pointerdown", true], ["pointerup", false], ["change", false]]) this.slider.addEventListener(event, () => { this.sliding = held; });
    const timeline = h("div", { className: "vg-time" }, this.count, labelled("Timeline", this.slider));
    this.message = h("div", { className: "vg-messages" });
    this.planes = Object.fromEntries(Object.keys(TABLES.planes).map((name) => [name, new Plane(name, this)]));
    this.charts = Object.fromEntries(Object.keys(TABLES.charts).map((name) => [name, new Chart(name, this)]));
    this.diagrams = h("div", { className: "vg-networks" });
    this.switches = {};
    const layers = TABLES.layers.filter((layer) => layer.switch).map((layer) => this.makeSwitch(layer.name, layer.label, layer));
    const charts = Object.entries(TABLES.charts).map(([name, [title]]) => this.makeSwitch(name, title.split(",")[0]));
    this.readout = h("p", { className: "vg-readout" }, "\u00a0");
    const side = h("div", { className: "vg-side" }, this.diagrams, h("div", { className: "vg-layers", role: "group", "aria-label": "In the pictures" }, ...layers));
    this.region = h("div", { className: "vg-region", tabIndex: 0, role: "group", "aria-label": KEYS },
      h("div", { className: "vg-planes" }, ...Object.values(this.planes).map((plane) => plane.element)), side);
    this.chartBox = h("div", { className: "vg-charts" }, ...Object.values(this.charts).map((chart) => chart.element));
    this.caption = h("p", { className: "vg-caption", role: "status" });
    this.drawing = new Drawing((points) => this.act("change", { points }));
    this.settings = new Settings((name, value) => this.act("change", { [name]: value }), { "Draw data": h("div", { className: "vg-page" }, this.drawing.element), Keep: this.keepPage() });
    this.settings.turned = () => this.settings.page === "Keep" && this.act("code");
    this.root = h("div", { className: "vg-stage" }, this.toolbar, timeline, this.message, this.region, this.readout,
      h("div", { className: "vg-layers vg-which", role: "group", "aria-label": "Charts" }, h("span", {}, "Charts"), ...charts), this.chartBox, this.caption, this.settings.element);
    this.root.addEventListener("keydown", (event) => this.press(event));
    this.region.addEventListener("click", (event) => event.target.closest("label, button, canvas") || this.region.focus({ preventScroll: true }));
    this.others = (event) => event.detail !== this && this.playing && this.setPlaying(false);
    document.addEventListener("vg-stage-plays", this.others); // one plays at a time
    el.replaceChildren(this.root);
  }

  makeSwitch(name, label, layer) {
    const box = (this.switches[name] = h("input", { type: "checkbox", onchange: () => this.switch(name, box.checked) }));
    const made = h("label", { className: "vg-switch" }, box);
    if (layer) {
      const canvas = h("canvas", { width: 44, height: 32, "aria-hidden": "true" });
      sign(canvas, layer);
      made.append(canvas);
    }
    made.append(label);
    return made;
  }

  keepPage() {
    this.record = button("Record", "Keeps every picture from now on; once more hands them over as one file", () => this.act("record", this.now.recording < 0));
    this.compare = button("Keep this run to compare", "Its curves and samples stay visible beside the next run", () => this.act("compare", !this.ghost));
    this.code = Object.fromEntries([["line", "Rebuilds this stage at round 0"], ["cell", "The same training without a stage"], ["text", "The whole run, with all changes"]].map(([name, words]) =>
      [name, h("textarea", { rows: name === "cell" ? 6 : 2, readOnly: name !== "text", spellcheck: false, "aria-label": words, title: words })]));
    const area = (name, ...buttons) => h("div", { className: "vg-code" }, h("span", {}, this.code[name].title, ...buttons), this.code[name]);
    const copy = (name) => button("Copy", `Copies: ${this.code[name].title}`, () => this.copy(this.code[name].value, this.code[name]));
    const link = button("Copy as a link", "A link to this page that holds the whole run", () => this.copy(`${location.href.split("#")[0]}#stage=${encodeURIComponent(this.code.text.value)}`));
    return h("div", { className: "vg-page" }, h("div", { className: "vg-part" },
      button("Save the picture (PNG)", "Downloads what is shown", () => this.savePicture()),
      button("Save the history (CSV)", "Downloads every round", () => this.act("csv")), this.record, this.compare),
    area("line", copy("line")), area("cell", copy("cell")), area("text", copy("text"), link, button("Rebuild", "Makes the run that this text describes", () => this.act("rebuild", this.code.text.value))));
  }

  copy(text, field) {
    const byHand = () => { field?.select(); this.note("The page may not copy: mark the text and copy it by hand."); };
    if (!navigator.clipboard) return byHand(); // as on an address without encryption
    navigator.clipboard.writeText(text).then(() => this.note("Copied."), byHand);
  }

  // Asking the kernel

  async ask(message) {
    const late = setTimeout(() => this.say(/dead|terminating/.test(this.source.status() ?? "") ? GONE : BUSY, "vg-phase"), PATIENCE);
    const planes = this.shownPlanes();
    const wanted = TABLES.layers.filter((layer) => layer.array && layer.array !== "codes" && (this.layers.has(layer.name) || layer.planes.some((plane) => planes.includes(plane) && TABLES.slowPlanes.includes(plane))));
    const time = performance.now(), silent = this.playing && !message.acts && time - this.toldAt < CHARTS_EVERY;
    if (!silent) this.toldAt = time;
    const answer = await this.source.ask({
      ...message, silent, playing: this.playing, who: this.who, slow: this.slow, arrays: wanted.map((layer) => layer.array),
      branch: this.now.branch, holds: CONSTANT.filter((name) => this.arrays[name] && !this.now.part), rows: this.curves.rows.vae_kl.length,
      measured: this.curves.measured.step.length, ghost: this.ghost?.id,
    });
    clearTimeout(late);
    return answer;
  }

  // Does something as soon as the kernel hears of it. What a hand repeats quickly is sent once the answer before is there.
  async act(name, argument = null) {
    const names = (given) => String(Object.keys(Object(given))), [other, given] = this.acts.at(-1) ?? [];
    if (other === name && names(given) === names(argument)) this.acts.pop();
    this.acts.push([name, argument]);
    if (this.acting) return;
    this.acting = true;
    while (this.acts.length) {
      const answer = await this.ask({ acts: this.acts.splice(0) });
      this.acting = this.acts.length > 0;
      this.take(answer, true);
    }
    if (this.now.left && !this.playing) this.rebuildOn();
  }

  async rebuildOn() {
    while (this.now.left && !this.closed) this.take(await this.ask({}), true);
    this.act("code");
  }

  async look() {
    if (this.live && !this.acts.length) this.take(await this.ask({}), true);
  }

  // Playing

  toggle() { this.setPlaying(!this.playing); }

  setPlaying(on) {
    if (on === this.playing || (on && this.gone)) return;
    this.playing = on;
    this.showButtons();
    if (!on) return this.paint(true);
    document.dispatchEvent(new CustomEvent("vg-stage-plays", { detail: this }));
    this.live ? this.run() : this.runRecording();
  }

  // As fast as it goes, the next pictures are asked for before one has come, so the kernel trains while this one is drawn.
  async run() {
    if (this.running) return;
    this.running = true;
    const coming = [], ahead = (answer) => { while (coming.length < (this.pace() === Infinity ? AHEAD : 1)) coming.push(this.ask(this.portion(answer))); };
    for (let answer = null; this.playing;) {
      const begun = performance.now();
      ahead(answer);
      answer = await coming.shift();
      if (!answer || answer.error || this.closed) this.setPlaying(false);
      if (answer?.busy) await pause(200);
      if (this.playing && this.pace() === Infinity) ahead(answer);
      this.take(answer, !this.playing && !coming.length);
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const until = begun + 1000 * this.asked / this.pace();
      while (this.playing && performance.now() < until) await pause(Math.min(50, until - performance.now()));
    }
    while (coming.length) this.take(await coming.shift(), !coming.length);
    this.running = false;
    if (this.playing) this.run();
    else if (!this.closed) this.look();
  }

  pace() { return this.slow ? 1 / PART_SECONDS : SPEEDS[this.speed.value]; }

  // How much the next picture is to bring: by the clock, or as much as was trained in good time before.
  portion(answer) {
    const pace = this.pace();
    if (pace !== Infinity) this.asked = this.slow ? 1 : Math.max(1, Math.round(pace / PICTURES));
    else {
      if (answer?.trained && answer.seconds) this.rounds = Math.min(2 * this.rounds, MOST_ROUNDS, Math.max(1, Math.round(answer.trained / answer.seconds * TRAINING / 1000)));
      this.asked = this.rounds;
    }
    return { advance: this.asked, freely: pace === Infinity };
  }

  goOn(rounds = 1) {
    this.setPlaying(false);
    if (!this.live) return this.leaf(rounds);
    return this.ask({ advance: this.slow ? 1 : rounds }).then((answer) => this.take(answer, true));
  }

  leaf(places) {
    const { kept, round } = this.now;
    this.goTo(kept[Math.max(0, Math.min(kept.length - 1, (this.live ? kept.indexOf(round) : this.frame) + places))], places);
  }

  goTo(round, places = 0) {
    this.setPlaying(false);
    if (this.live) this.act("rewind", round);
    else this.showFrame(places ? this.frame + places : this.frames.findIndex((frame) => frame.round >= round));
  }

  scrub(to) {
    if (!this.live) { this.setPlaying(false); return this.showFrame(to); }
    const { kept, round, end } = this.now;
    this.goTo(to < round ? to : kept.find((step) => step >= to) ?? end);
  }

  setSlow(on) {
    this.slow = on;
    if (!on) this.act("finish");
    this.arrange();
    this.look();
  }

  start(...at) {
    const [generator_start, discriminator_start] = at.map((value) => Math.round(100 * Math.max(-TABLES.limit, Math.min(TABLES.limit, value))) / 100);
    if (this.live) this.act("change", { generator_start, discriminator_start });
  }

  press(event) {
    if (event.key === "Tab" || event.ctrlKey || event.metaKey || /^F\d/.test(event.key)) return;
    event.stopPropagation(); // keys move the stage, and nothing around it
    const far = event.shiftKey ? 10 : 1, { round, end } = this.now;
    const acts = {
      " ": () => this.toggle(), Home: () => this.goTo(0), End: () => this.goTo(end), ArrowLeft: () => this.leaf(-far),
      ArrowRight: () => (this.live && round >= end ? this.goOn(far) : this.leaf(far)),
    };
    if (!acts[event.key] || event.altKey || event.target.closest(event.key === " " ? `${TAKES_ARROWS}, button` : TAKES_ARROWS)) return;
    event.preventDefault(); // no scrolling
    acts[event.key]();
  }

  // Taking an answer

  take(answer, rest) {
    if (!answer || this.closed) return;
    if (answer.busy) {
      this.settings.said = null; // what a hand has moved was not heard: the next answer puts it back
      return this.say("A cell is moving this stage; it is shown when the cell is done.", "vg-phase");
    }
    this.home ??= this.root.closest(".jp-OutputArea-child");
    if (answer.place < this.taken) return; // it waited for its frame while a later one, of an act, was taken
    this.taken = answer.place;
    const told = answer.branch === this.now.branch ? { modes: this.now.modes, words: this.now.words, told: this.now.told } : {};
    if (answer.branch !== this.now.branch) this.arrays = {};
    const { rows, measured, ...arrays } = answer.arrays;
    this.curves.take(this.curves.rows, rows, answer.rows_from);
    this.curves.take(this.curves.measured, measured, answer.measured_from);
    if (arrays.ghost_rows) this.takeGhost(answer.ghost, arrays);
    if (this.live && !answer.ghost) this.ghost = null;
    Object.assign(this.arrays, arrays);
    if (!answer.part && this.now.part) delete this.arrays.codes;
    if (answer.file) download(answer.file.name, answer.file.kind, answer.file.text);
    if (answer.code) Object.entries(answer.code).forEach(([name, text]) => { this.code[name].value = text; });
    this.now = { ...told, ...answer }; // modes are counted, and words are told, now and then
    if (answer.words) this.now.told = answer.round;
    if (!this.acting) { // else the kernel does not know yet what a hand has moved
      this.settings.show(answer.settings, answer.error);
      if (this.preset.value !== answer.preset) setOptions(this.preset, ["none", ...TABLES.presets], answer.preset);
    }
    this.paint(rest);
  }

  takeGhost(id, arrays) {
    const curves = new Curves();
    curves.take(curves.rows, arrays.ghost_rows, 0);
    curves.take(curves.measured, arrays.ghost_measured, 0);
    this.ghost = { id, curves, generated: arrays.ghost_generated, vae_mean: arrays.ghost_vae_mean };
  }

  get dirac() { return this.now.settings.data === "Dirac"; }

  shownPlanes() {
    const own = TABLES.layers.filter((layer) => this.layers.has(layer.name) && layer.planes.length === 1).map((layer) => layer.planes[0]);
    const wanted = new Set(["game", ...own, ...(this.slow || this.now.part ? TABLES.slowPlanes : [])]);
    return Object.keys(TABLES.planes).filter((name) => wanted.has(name) && (name !== "dirac" || this.dirac));
  }

  // What is to be drawn on a plane, in order.
  layersOf(plane) {
    const about = this.now.part?.about ?? [], drawn = [];
    for (const layer of TABLES.layers) {
      const lit = layer.array !== null && about.includes(layer.array), own = TABLES.slowPlanes.includes(plane) && this.now.part;
      if (!layer.planes.includes(plane) || !(this.layers.has(layer.name) || lit || own)) continue;
      const array = layer.mark === "path" ? this.ways() : layer.name === "ghost" ? this.ghost?.[plane === "vae" ? "vae_mean" : "generated"] : this.arrays[layer.array];
      if (array && (array.ways || array.data.length)) drawn.push({ layer, array, lit });
    }
    return drawn;
  }

  // The ways of the Dirac game, as far as it went.
  ways() {
    if (!this.dirac) return null;
    const { settings, round } = this.now, { generated, decoder } = TABLES.colours, begin = [settings.generator_start, settings.discriminator_start];
    const ways = (curves, end, alpha, shape) => {
      const [g, d, vae] = TABLES.path.map((name) => curves.rows[name].slice(0, end));
      const game = [begin, ...g.map((value, i) => [value, d[i]])], own = [[begin[0], 0], ...vae.map((value) => [value, 0])].filter(([value]) => Number.isFinite(value));
      return [{ points: own, colour: decoder, dash: [4, 3], alpha, shape: shape && "diamond" }, { points: game, colour: generated, dash: shape ? [] : [2, 2], alpha, shape: shape && "disc" }];
    };
    const old = this.ghost ? ways(this.ghost.curves, undefined, 0.6, false) : [];
    if (this.ghost) old[1].points.shift(), old[0].points.shift();
    return { ways: [...old, ...ways(this.curves, round, 1, true)] };
  }

  switch(name, on) {
    on ? this.layers.add(name) : this.layers.delete(name);
    this.store?.([...this.layers].sort());
    this.arrange();
    this.paint(true);
    this.look();
  }

  // Shows the planes and charts that are switched on.
  arrange() {
    const planes = this.shownPlanes();
    for (const [name, plane] of Object.entries(this.planes)) plane.element.hidden = !planes.includes(name);
    this.region.style.setProperty("--planes", planes.length);
    this.region.classList.toggle("vg-wide", planes.length > 3);
    for (const [name, chart] of Object.entries(this.charts)) chart.element.hidden = !this.layers.has(name);
    for (const [name, box] of Object.entries(this.switches)) box.checked = this.layers.has(name);
    const hide = (name, hidden) => { this.switches[name].parentElement.hidden = hidden; };
    hide("path", !this.dirac);
    hide("ghost", !this.ghost);
    this.arranged = `${this.dirac} ${Boolean(this.ghost)} ${Boolean(this.now.part)}`;
  }

  // Draws what is known: planes at once, charts and words now and then while it plays.
  paint(rest) {
    const time = performance.now(), { now } = this;
    if (this.arranged !== `${this.dirac} ${Boolean(this.ghost)} ${Boolean(now.part)}`) this.arrange();
    for (const plane of Object.values(this.planes)) if (!plane.element.hidden) plane.sheet.paint();
    this.count.replaceChildren(`Round ${now.round.toLocaleString("en")} `, h("small", {}, [now.end > now.round ? `of ${now.end.toLocaleString("en")}` : "", now.left ? `${now.left} to go` : "", now.modes].filter(Boolean).join(" \u00b7 ")));
    this.slider.max = this.live === false ? this.frames.length - 1 : Math.max(1, now.end);
    if (!this.sliding) this.slider.value = this.live === false ? this.frame : now.round;
    this.slider.setAttribute("aria-valuetext", `round ${now.round} of ${now.end}`);
    if (rest || now.part || time - this.chartsAt > CHARTS_EVERY) {
      this.chartsAt = time;
      for (const chart of Object.values(this.charts)) if (!chart.element.hidden) chart.sheet.paint();
      this.showButtons();
    }
    const told = (now.told ?? now.round) === now.round; // else the words are of an earlier round
    if (rest || now.part || (told && time - this.wordsAt > WORDS_EVERY)) {
      this.wordsAt = time;
      if (told) this.speak([now.words, now.part ? `Part ${now.part.number}: ${now.part.caption}` : ""].join(" ").trim());
      for (const plane of Object.values(this.planes)) plane.sheet.canvas.setAttribute("aria-label", `${plane.heading}, at round ${now.round}. Shown: ${this.layersOf(plane.name).map(({ layer }) => layer.label).join(", ") || "nothing"}.`);
      for (const chart of Object.values(this.charts)) chart.sheet.canvas.setAttribute("aria-label", `Chart through time, up to round ${now.end}: ${chart.title}.`);
    }
    if (now.error) this.say(now.error, "vg-error");
    else if (now.part) this.sayPart(now.part);
    else if (this.slow) this.say("Slow motion: each press of Step shows one part of a round, and Play shows them one after the other.", "vg-phase");
    else this.say("");
  }

  showButtons() {
    this.playButton.textContent = this.playing ? "\u275a\u275a Pause" : "\u25b6 Play";
    this.whoButtons.forEach((one, i) => one.setAttribute("aria-pressed", String(Object.values(WHO)[i] === this.who)));
    this.slowButton.setAttribute("aria-pressed", String(Boolean(this.slow)));
    this.record.textContent = this.now.recording >= 0 ? `Stop and save the recording (${this.now.recording})` : "Record";
    this.compare.textContent = this.ghost ? "Let go of the kept run" : "Keep this run to compare";
    const trains = this.now.part || !this.live ? this.now.trains : { both: "discriminator generator encoder decoder" }[this.who] ?? this.who;
    if (trains !== this.trains) this.diagrams.innerHTML = diagrams((this.trains = trains).split(" "));
  }

  note(words) { this.speak(`${this.now.words} ${words}`); }

  speak(words) { if (this.caption.textContent !== words) this.caption.textContent = words; }

  say(words, kind) {
    const shown = words ? h("div", { className: `vg-message ${kind}`, role: kind === "vg-error" ? "alert" : "status" }, words) : "";
    if (this.message.textContent !== words || words === "") this.message.replaceChildren(...(shown ? [shown] : []));
  }

  sayPart({ number: place, of, caption }) {
    const steps = h("ol", { "aria-hidden": "true" }, ...Array.from({ length: of }, (_, i) => h("li", i + 1 === place ? { "aria-current": "step" } : {}, String(i + 1))));
    this.message.replaceChildren(h("div", { className: "vg-message vg-phase" }, steps, `${place} of ${of}: ${caption}`));
  }

  // What lies under the pointer

  probe(plane, x, y) {
    const before = this.probed;
    this.probed = plane && { plane, x, y, ...this.nearest(plane, x, y) };
    if (!this.probed && !before) return;
    const surface = (name) => {
      const levels = this.arrays[name], [low, high] = [-3, 3], cell = (value) => Math.max(0, Math.min(63, Math.floor(((value - low) / (high - low)) * 64)));
      return levels && levels.low + levels.scale * levels.data[cell(y) * 64 + cell(x)];
    };
    const said = [];
    if (this.probed) {
      said.push(`x ${number(x)}, y ${number(y)}`);
      const [d, best] = [surface("surface"), surface("optimum")];
      if (["game", "optimum", "vae"].includes(plane)) said.push(d !== undefined && `D says ${number(d)}`, best !== undefined && `exact optimum ${number(best)}`);
      said.push(this.probed.words);
    }
    this.readout.textContent = said.filter(Boolean).join(" \u00b7 ") || "\u00a0";
    if (this.probed?.index !== before?.index || this.probed?.plane !== before?.plane) for (const one of Object.values(this.planes)) if (!one.element.hidden) one.sheet.paint();
  }

  // The sample that lies nearest, and what belongs to it on other planes.
  nearest(plane, x, y) {
    const name = { noise: "noise", game: "generated", optimum: "generated", vae: "vae_mean" }[plane], array = this.arrays[name];
    if (!array) return {};
    let [index, best] = [-1, 0.3 ** 2];
    for (let i = 0; i < array.data.length / 2; i++) {
      const far = (array.data[2 * i] - x) ** 2 + (array.data[2 * i + 1] - y) ** 2;
      if (far < best) [index, best] = [i, far];
    }
    if (index < 0) return {};
    const at = (name) => this.arrays[name] && `(${number(this.arrays[name].data[2 * index])}, ${number(this.arrays[name].data[2 * index + 1])})`;
    const words = plane === "vae" ? `output ${index + 1} of the decoder at ${at("vae_mean")}` : plane === "noise" ? `noise ${index + 1} at ${at("noise")}${at("generated") ? `, which G sends to ${at("generated")}` : ""}` : `generated sample ${index + 1} at ${at("generated")}`;
    return { index, words };
  }

  // Where a ring is drawn on this plane: around the sample under the pointer, and around what it comes from or goes to.
  rings(plane) {
    const { index, plane: from } = this.probed ?? {};
    const name = { noise: "noise", game: "generated", optimum: "generated", vae: "vae_mean" }[plane], array = this.arrays[name];
    if (index === undefined || !array || (from === "vae") !== (plane === "vae")) return [];
    return [[array.data[2 * index], array.data[2 * index + 1]]];
  }

  readCurves(chart, step) {
    const round = Math.max(0, Math.round(step));
    const said = Object.entries(chart.series).map(([name, [label]]) => {
      const [steps, values] = this.curves.get(name), i = steps.findLastIndex((one) => one <= round);
      return i >= 0 && Number.isFinite(values[i]) ? `${label} ${values[i].toPrecision(3)}` : "";
    });
    this.readout.textContent = [`${chart.title}, round ${round}`, ...said].filter(Boolean).join(" \u00b7 ");
  }

  // A link may hold a run: its text is put where it can be rebuilt.
  async offerLink() {
    if (!location.hash.startsWith("#stage=")) return;
    this.settings.turn("Keep");
    while (this.acting) await pause(20);
    this.code.text.value = decodeURIComponent(location.hash.slice(7));
    this.note("The link holds a run: Rebuild, under Keep, makes it.");
  }

  savePicture() {
    const planes = Object.values(this.planes).filter((plane) => !plane.element.hidden), charts = Object.values(this.charts).filter((chart) => !chart.element.hidden);
    const width = 1400, gap = 14, side = (width - gap) / planes.length - gap, small = charts.length ? (width - gap) / Math.max(4, charts.length) - gap : 0;
    const page = Object.assign(document.createElement("canvas"), { width, height: side + 40 + gap + (small ? small * 0.66 + gap : 0) }), g = page.getContext("2d");
    g.fillStyle = "#fff";
    g.fillRect(0, 0, page.width, page.height);
    g.fillStyle = "#222";
    g.font = "bold 17px sans-serif";
    planes.forEach((plane, i) => {
      g.fillText(plane.heading, gap + i * (side + gap), 26, side);
      g.drawImage(plane.sheet.canvas, gap + i * (side + gap), 38, side, side);
    });
    charts.forEach((chart, i) => g.drawImage(chart.sheet.canvas, gap + i * (small + gap), side + 40 + gap, small, small * 0.66));
    page.toBlob((blob) => download("training_stage.png", "image/png", blob));
    this.note("training_stage.png is handed to the browser.");
  }

  // A recording: the same stage, with frames instead of a kernel

  showFrame(place) {
    this.frame = Math.max(0, Math.min(this.frames.length - 1, place));
    const now = this.frames[this.frame];
    this.arrays = now.arrays;
    this.now = { ...now, kept: this.frames.map((frame) => frame.round), end: this.curves.rows.vae_kl.length };
    this.paint(true);
  }

  async runRecording() {
    if (this.frame === this.frames.length - 1) this.frame = -1;
    while (this.playing && this.frame < this.frames.length - 1) {
      this.showFrame(this.frame + 1);
      await pause(this.now.part ? 1000 * PART_SECONDS : 100 / Math.min(1, SPEEDS[this.speed.value] / 100));
    }
    this.setPlaying(false);
  }

  end() {
    this.gone = true;
    this.setPlaying(false);
    this.source.forget();
    this.say(GONE, "vg-error");
    this.root.querySelectorAll("button, input, select").forEach((control) => { control.disabled = true; });
  }

  close() {
    this.playing = false;
    this.closed = true;
    document.removeEventListener("vg-stage-plays", this.others);
    this.source?.forget?.();
    this.source?.close?.();
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// In a notebook: the model's other side is the kernel.
export function render({ model, el }) {
  const stage = new Stage(el, model.get("_shown"));
  stage.live = true;
  stage.source = kernelSource(model, (content) => {
    if ("play" in content) stage.setPlaying(content.play);
    else if (!stage.running && !stage.acting) stage.looking ??= setTimeout(() => { stage.looking = null; stage.look(); }, 100);
  });
  stage.store = (layers) => { model.set("_shown", layers); model.save_changes(); };
  const layersChanged = () => { stage.layers = new Set(model.get("_shown")); stage.arrange(); stage.look(); };
  const connection = () => setTimeout(() => el.closest(".jupyter-widgets-disconnected") && stage.end(), 0);
  const kernel = model.widget_manager?.kernel, kernelChanged = (_, now) => /dead|restarting/.test(now) && stage.end();
  kernel?.statusChanged?.connect(kernelChanged);
  model.on("change:_shown", layersChanged);
  model.on("comm_live_update", connection);
  const closed = () => stage.home?.append(h("p", { role: "status" }, CLOSED)); // the view itself is taken away
  model.on("destroy", closed);
  stage.arrange();
  stage.showButtons();
  stage.look().then(() => stage.offerLink());
  return () => {
    stage.close();
    model.off("change:_shown", layersChanged);
    model.off("comm_live_update", connection);
    model.off("destroy", closed);
    kernel?.statusChanged?.disconnect(kernelChanged);
  };
}

// In a page without a kernel.
export async function replay(el, packed) {
  const source = await recordingSource(packed), stage = new Stage(el, source.layers);
  Object.assign(stage, { live: false, source, frames: source.frames, frame: 0 });
  for (const control of [...stage.onlyLive, stage.again, stage.settings.element]) control.hidden = true;
  for (const [name, array] of Object.entries(source.curves)) stage.curves.take(stage.curves[name], array, 0);
  for (const layer of TABLES.layers) if (layer.array && layer.switch && !source.frames[0].arrays[layer.array]) stage.switches[layer.name].parentElement.hidden = true;
  stage.now = source.frames[0];
  stage.arrange();
  stage.showFrame(0);
}
