"""A page under a mouse, a finger or the keyboard: what each of them does becomes a line that begins, goes on and ends."""

import ipycanvas

KEYS = {"ArrowLeft": (-1, 0), "ArrowRight": (1, 0), "ArrowUp": (0, -1), "ArrowDown": (0, 1)}


class Pen:
    """What pages to draw on share. Arrow keys move the pen, Shift further; Space sets it down or lifts it; Delete clears.

    A page says what a line does: `_start_line(x, y)`, `_line_to(x, y)`, `_changed(redraw)`, `_redraw()` and `clear()`, in
    pixels of the page.
    """

    def _make_page(self, size, nib, step):
        self._size, self._nib, self._key_step = size, nib, step
        self.layers = ipycanvas.MultiCanvas(2, width=size, height=size)
        self.page, self._cursor = self.layers[0], self.layers[1]
        self._pen, self._pen_down, self._mouse_down = (size / 2, size / 2), False, False
        top = self.layers
        top.on_mouse_down(self._start_mouse)
        top.on_mouse_move(self._move_mouse)
        top.on_mouse_up(self._end_mouse)
        top.on_mouse_out(self._end_mouse)
        top.on_touch_start(lambda touches: self._start_mouse(*touches[0]) if touches else None)
        top.on_touch_move(lambda touches: self._move_mouse(*touches[0]) if touches else None)
        top.on_touch_end(lambda touches: self._end_mouse())
        top.on_touch_cancel(lambda touches: self._end_mouse())
        top.on_key_down(self.press_key)
        top.on_client_ready(self._redraw)

    def press_key(self, key, shift=False, *_):
        """What a key does on the page: arrows move the pen, Space sets it down or lifts it, Delete clears."""
        if key in KEYS:
            step = self._key_step * (3 if shift else 1)
            self._pen = tuple(
                min(self._size, max(0, at + step * way)) for at, way in zip(self._pen, KEYS[key])
            )
            if self._pen_down:
                self._line_to(*self._pen)
                self._changed(redraw=False)
        elif key == " ":
            self._pen_down = not self._pen_down
            if self._pen_down:
                self._start_line(*self._pen)
        elif key in ("Delete", "Backspace"):
            self.clear()
        else:
            return
        self._show_pen()

    def _close_page(self):
        self.page.close()
        self._cursor.close()

    def _start_mouse(self, x, y):
        self._mouse_down, self._pen_down = True, False
        self._cursor.clear()
        self._start_line(x, y)

    def _move_mouse(self, x, y):
        if self._mouse_down:
            self._line_to(x, y)

    def _end_mouse(self, *_):
        if self._mouse_down:
            self._mouse_down = False
            self._changed(redraw=False)

    def _show_pen(self):
        self._cursor.clear()
        self._cursor.stroke_style = self._cursor.fill_style = "#D55E00"
        self._cursor.line_width = 3
        (self._cursor.fill_circle if self._pen_down else self._cursor.stroke_circle)(
            *self._pen, self._nib / 2
        )
