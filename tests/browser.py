"""JupyterLab in a real browser for the tests: a server, Chromium, and hands that move what they find."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # there is no network
]


def chromium_path():
    """Where Chromium lies on this machine, or None."""
    return next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


@contextlib.contextmanager
def course_server(folder, settings_folder, module="vaegan_helpers"):
    """`python -m vaegan_helpers` on a folder, at a free port of 127.0.0.1; gives its address and token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    tracker = (
        settings_folder / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    )
    tracker.parent.mkdir(parents=True)
    # cells out of sight are in the page too, and every cell keeps how long it took
    tracker.write_text('{"windowingMode": "none", "recordTiming": true}')
    environment = dict(
        os.environ,
        JUPYTER_CONFIG_DIR=str(settings_folder / "config"),
        JUPYTER_RUNTIME_DIR=str(settings_folder / "run"),
        JUPYTER_DATA_DIR=str(settings_folder / "data"),
        JUPYTERLAB_SETTINGS_DIR=str(settings_folder / "settings"),
        JUPYTERLAB_WORKSPACES_DIR=str(settings_folder / "workspaces"),
        JUPYTER_TOKEN=token,
        PYTHONPATH=os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    )
    log = settings_folder / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                module,
                "--no-browser",
                "--ServerApp.ip=127.0.0.1",
                "--ServerApp.allow_root=True",
                f"--ServerApp.port={port}",
                "--ServerApp.port_retries=0",
                f"--ServerApp.root_dir={folder}",
                "--LabApp.expose_app_in_browser=True",
                "--JupyterNotebookApp.expose_app_in_browser=True",
            ],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api/status?token={token}", server, log)
        yield address, token
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(address, server, log, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-3000:]}")


# How many cells have ended since `run_all` began; null once all have.
CELLS_ENDED = """() => window.vgRunning === null ? null :
  window.jupyterapp.shell.currentWidget.content.widgets.filter((cell) => cell.model.executionCount).length"""


class Lab:
    """One page of JupyterLab.

    Attributes:
      page: Playwright's page.
      errors: what the page reported as errors.
      strangers: addresses outside of this machine that the page asked for, in vain.
    """

    def __init__(self, context, address, token):
        self.address, self.token, self.errors, self.strangers = address, token, [], []
        self.page = context.new_page()
        context.on("request", self._note)
        self.page.set_default_timeout(60_000)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._listen)

    def _note(self, request):
        if not request.url.startswith((self.address, "blob:", "data:")):
            self.strangers.append(request.url)

    def _listen(self, message):
        # Without a network the browser also reports what it could not load; that is counted as strangers.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def open(self, path, place="doc/tree"):
        """Opens a notebook alone and waits for its kernel; Notebook 7 has it under "notebooks"."""
        self.page.goto(f"{self.address}/{place}/{path}?token={self.token}&reset")
        return self.wait()

    def wait(self):
        """Waits for the notebook and its kernel."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", state="attached")
        self.page.wait_for_function(
            """() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel
                ?.connectionStatus === 'connected'"""
        )
        self.page.evaluate("""() => { const shell = window.jupyterapp.shell;
            shell.collapseLeft?.(); shell.collapseRight?.(); }""")
        return self

    def run_all(self, cell_seconds=300):
        """Forgets the stored outputs and runs every cell; returns once the last one has ended.

        Raises:
          TimeoutError: a cell took longer than `cell_seconds`; the kernel is interrupted then.
        """
        self.page.evaluate("""() => {
          const commands = window.jupyterapp.commands;
          window.vgRunning = commands.execute('notebook:clear-all-cell-outputs')
            .then(() => commands.execute('notebook:run-all-cells'))
            .finally(() => { window.vgRunning = null; });
        }""")
        ended, since = -1, time.monotonic()
        while (now := self.page.evaluate(CELLS_ENDED)) is not None:
            if now != ended:
                ended, since = now, time.monotonic()
            if time.monotonic() - since > cell_seconds:
                self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
                raise TimeoutError(f"after {ended} code cells one took more than {cell_seconds} s")
            self.page.wait_for_timeout(200)
        self.page.wait_for_timeout(300)

    def notebook(self):
        """The notebook as JupyterLab holds it now, as JSON."""
        return self.page.evaluate(
            "() => JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON())"
        )

    def cells(self):
        """Its cells, as dictionaries."""
        return json.loads(self.notebook())["cells"]

    def kernel_id(self):
        """The name of the notebook's kernel, as in the name of its connection file."""
        return self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"
        )

    def close(self):
        """Ends the notebook's kernel and closes the page."""
        self.page.evaluate("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.shutdown?.()")
        self.page.context.close()


# Everything a reader can see of one output: the bytes of its pictures, its canvases and its words.
LOOK = """async (root) => {
  const parts = [root.querySelector('.vg-caption')?.textContent ?? ''];
  for (const image of root.querySelectorAll('img')) {
    if (!image.src) continue;
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    let sum = bytes.length;
    for (const byte of bytes) sum = (sum * 31 + byte) >>> 0;
    parts.push(sum);
  }
  for (const canvas of root.querySelectorAll('canvas:not(.vg-pad canvas)')) parts.push(canvas.toDataURL());
  for (const part of root.querySelectorAll('.vg-explorer :is(svg, output, p), .vg-marker'))
    parts.push(part.outerHTML);
  return parts.join('|');
}"""


# What sticks out of an explorer or lies over something else.
CROWDED = """(root) => {
  const outer = root.getBoundingClientRect(), wrong = [];
  const parts = [...root.querySelectorAll(
    `img.widget-image, .vg-pad, canvas, figure, label, .widget-slider, button, textarea, svg[role],
     .vg-caption, .widget-dropdown`)]
    .filter((part) => part.getClientRects().length);
  const boxes = parts.map((part) => part.getBoundingClientRect());
  boxes.forEach((a, i) => {
    if (a.right > outer.right + 1 || a.left < outer.left - 1) wrong.push(parts[i].className + ' sticks out');
    boxes.forEach((b, j) => {
      if (j <= i || parts[i].contains(parts[j]) || parts[j].contains(parts[i])) return;
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
          Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2)
        wrong.push(parts[i].className + ' overlaps ' + parts[j].className);
    });
  });
  return wrong;
}"""


class Output:
    """An explorer, or another output of a cell, in the hands of a test."""

    def __init__(self, page, root):
        self.page, self.root = page, root

    def look(self):
        """What a reader sees now."""
        return self.root.evaluate(LOOK)

    def changes(self, act, seconds=8):
        """Whether what the reader sees changes after `act()`."""
        before = self.look()
        act()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.look() != before:
                self.settle()
                return True
            self.page.wait_for_timeout(20)
        return False

    def settle(self):
        """Waits until nothing changes any more."""
        last, still = self.look(), 0
        for _ in range(200):
            self.page.wait_for_timeout(40)
            now = self.look()
            still = still + 1 if now == last else 0
            last = now
            if still == 3:
                return

    def each(self, selector):
        """What is on the page of it; a page of settings that is not turned to is not."""
        found = self.root.locator(selector)
        return [found.nth(i) for i in range(found.count()) if found.nth(i).is_visible()]

    def moves(self):
        """Every way to move this output: pairs of (what and how, function that does it)."""
        for i, handle in enumerate(self.each(".noUi-handle")):
            name = handle.get_attribute("aria-label") or f"slider {i}"
            yield f"{name} by key", lambda handle=handle: self.press_slider(handle)
            yield f"{name} by mouse", lambda handle=handle: self.drag_slider(handle)
        for pad in self.each(".vg-pad[tabindex]"):
            drawn = "Space" in (pad.get_attribute("aria-label") or "")
            what, keys = ("drawing", [" ", *["ArrowDown"] * 4, " "]) if drawn else ("pad", ["ArrowRight"])
            places = [(0.2, 0.2), (0.7, 0.2), (0.4, 0.9)] if drawn else [(0.3, 0.4), (0.7, 0.3)]
            yield f"{what} by key", lambda pad=pad, keys=keys: [pad.press(key) for key in keys]
            yield f"{what} by mouse", lambda pad=pad, places=places: self.drag(pad, places)
            yield f"{what} by finger", lambda pad=pad, places=places: self.touch(pad, places[1:] + places[:1])
        for player in self.each(".widget-play"):
            yield (
                "play by mouse",
                lambda player=player: self.play(player, player.locator("button").first.click),
            )
            yield (
                "play by key",
                lambda player=player: self.play(
                    player, lambda: player.locator("button").first.press("Enter")
                ),
            )
        for field in self.each("input[type=number]"):
            yield "number by key", lambda field=field: self.type_number(field)
        for control in self.each("input[type=range]:enabled"):
            name = control.evaluate(
                "e => e.closest('.vg-explorer') ? e.labels[0].firstChild.textContent : 'flipbook'"
            )
            yield f"{name} by key", lambda control=control: self.press_range(control)
            yield f"{name} by mouse", lambda control=control: self.drag(control, [(0.1, 0.5)])
            yield f"{name} by finger", lambda control=control: self.touch(control, [(0.9, 0.5)])
        for button in self.each("button"):
            name = button.inner_text() if button.evaluate("e => e.closest('.vg-explorer')") else ""
            if name == "Walk":
                yield (
                    "Walk by key",
                    lambda button=button: (button.press("Enter"), self.page.wait_for_timeout(400)),
                )
                yield "Pause by mouse", lambda button=button: button.click()
            elif name.startswith("New"):
                yield f"{name} by mouse", lambda button=button: button.click()
                yield f"{name} by key", lambda button=button: button.press("Enter")

    @staticmethod
    def press_slider(handle):
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        handle.press("ArrowLeft" if at_end else "ArrowRight")

    @staticmethod
    def press_range(control):
        at_start = control.evaluate("e => e.value === e.min")
        control.press("ArrowRight" if at_start else "ArrowLeft")

    def drag_slider(self, handle):
        track = handle.locator("xpath=ancestor::*[contains(@class, 'noUi-target')]")
        now, low, high = (float(handle.get_attribute(f"aria-value{end}")) for end in ("now", "min", "max"))
        at = (now - low) / (high - low)
        self.drag(track, [(at, 0.5), (0.3 if at > 0.5 else 0.7, 0.5)])

    def drag(self, element, points):
        """Presses the mouse on an element, moves through points given as shares of it, and lets go."""
        element.scroll_into_view_if_needed()
        box = element.bounding_box()
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=6)
        self.page.mouse.up()

    def touch(self, element, points):
        """The same with a finger."""
        element.scroll_into_view_if_needed()
        box = element.bounding_box()
        hand = self.page.context.new_cdp_session(self.page)
        at = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in points]
        hand.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at[:1]})
        for place in at[1:]:
            hand.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
        hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        hand.detach()

    def play(self, player, press):
        press()
        self.page.wait_for_timeout(600)
        player.locator("button").first.click()  # and pause

    @staticmethod
    def type_number(field):
        now, low, high = (float(field.evaluate(f"e => e.{name} || -1")) for name in ("value", "min", "max"))
        field.fill(f"{now / 2 if now % 1 else now - 1 if now == high else now + 1:g}")
        field.press("Enter")


def outputs_of(page):
    """Every explorer of a notebook, and every flipbook."""
    found = page.locator(
        ".jp-OutputArea-output .vg-explorer, .jp-OutputArea-output figure:has(input[type=range])"
    )
    return [Output(page, found.nth(i)) for i in range(found.count())]
