"""The motor of the training stage: an asyncio task that trains in short pieces and shows a picture after each."""

import asyncio
import time

PICTURES = 20.0  # a second, at most
SHORT, LONG = 0.010, 0.030  # seconds of training between two pictures, when it goes as fast as it can
AHEAD = 2  # pictures that the page may be behind before the next one waits
PATIENCE = 0.4  # seconds of work after which a reason is given
GONE = 10.0  # seconds without an answer after which nobody is watching
MOST = 4096  # rounds between two pictures


class Player:
    """Plays one stage at a time: who starts pauses whoever played.

    Training runs in a thread, so that buttons answer also while something is compiled; pictures are drawn in the event
    loop, between the messages of the page.

    Args:
      work: function of (rounds), called in a thread.
      show: called after each piece of work.
      busy: called when a piece takes long, as when something is compiled.
      changed: called with whether it plays, when that changes.
      stopped: called with the exception that ended the play, or None, once nothing runs any more.

    Attributes:
      playing: whether it plays.
      seen: the last picture that a page has answered for, or None before the first answer.
      speed: rounds a second; infinity for as fast as it goes.
      pictures: how many pictures were shown.
    """

    current = None

    def __init__(self, work, show, busy, changed, stopped):
        self._work, self._show, self._busy, self._changed, self._stopped = work, show, busy, changed, stopped
        self._task, self._loop, self._wake, self._rounds = None, None, None, 1
        self.playing, self.speed, self.pictures, self.seen = False, float("inf"), 0, None

    def start(self):
        """Begins to play.

        Raises:
          RuntimeError: there is no event loop, as outside of a notebook.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "playing needs the event loop of a notebook; here call step(rounds) instead"
            ) from None
        if Player.current is not None and Player.current is not self:
            Player.current.stop()
        Player.current, self.playing = self, True
        self._changed(True)
        if self._task is None or self._task.done() or not self._loop.is_running():
            self._loop, self._wake = loop, asyncio.Event()
            self._task = loop.create_task(self._run())

    def stop(self):
        """Ends the play; what is being trained is finished first."""
        if not self.playing:
            return
        self.playing = False
        self._changed(False)
        if Player.current is self:
            Player.current = None
        self._nudge()

    def _nudge(self):
        """Wakes the task. JupyterLab may hand messages to another thread than the one that plays."""
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _run(self):
        error = None
        try:
            while self.playing:
                begun = time.perf_counter()
                rounds, interval = self._pace()
                work = asyncio.ensure_future(asyncio.to_thread(self._work, rounds))
                if not (await asyncio.wait({work}, timeout=PATIENCE))[0]:
                    self._busy()
                await work
                worked = time.perf_counter() - begun
                self._adapt(worked)
                if not self.playing:
                    break
                self.pictures += 1
                self._show()
                now = time.perf_counter()
                await self._until(lambda: False, max(begun + interval, now + 0.003))
                await self._until(self._page_follows, now + GONE)
                if not self._page_follows():
                    self.stop()  # nobody is watching any more
        except Exception as caught:  # whatever went wrong is said in the widget
            error = caught
        self.stop()
        self._stopped(error)

    def answered(self, picture):
        """The page has seen this picture."""
        self.seen = picture
        self._nudge()

    def _page_follows(self):
        return self.seen is None or self.pictures - self.seen <= AHEAD

    def _pace(self):
        """Rounds of the next piece, and the seconds it should take."""
        if self.speed == float("inf"):
            return self._rounds, 1 / PICTURES
        pictures = min(self.speed, PICTURES)
        rounds = max(1, round(self.speed / pictures))
        return rounds, rounds / self.speed

    def _adapt(self, seconds):
        if self.speed == float("inf"):
            if seconds < SHORT:
                self._rounds = min(MOST, 2 * self._rounds)
            elif seconds > LONG:
                self._rounds = max(1, self._rounds // 2)

    async def _until(self, ready, end):
        """Gives way to the event loop until something is ready, the time has come, or the play has ended."""
        while self.playing and not ready() and (left := end - time.perf_counter()) > 0:
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), left)
            except TimeoutError:
                pass
