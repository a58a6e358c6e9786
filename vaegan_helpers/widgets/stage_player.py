"""The motor of the training stage: an asyncio task that trains in short pieces and shows a picture after each."""

import asyncio
import time

PICTURES = 20.0  # a second, at most
SHORT, LONG = 0.010, 0.030  # seconds of training between two pictures, when it goes as fast as it can
MOST = 4096  # rounds between two pictures


class Player:
    """Plays one stage at a time: who starts pauses whoever played.

    Training runs in a thread, so that buttons answer also while something is compiled; pictures are drawn in the event
    loop, between the messages of the page.

    Args:
      work: function of (rounds), called in a thread.
      show: called after each piece of work.
      stopped: called with the exception that ended the play, or None, once nothing runs any more.

    Attributes:
      playing: whether it plays.
      speed: rounds a second; infinity for as fast as it goes.
      pictures: how many pictures were shown since the start.
    """

    current = None

    def __init__(self, work, show, stopped):
        self._work, self._show, self._stopped = work, show, stopped
        self._task, self._wake, self._rounds = None, None, 1
        self.playing, self.speed, self.pictures = False, float("inf"), 0

    def start(self):
        """Begins to play.

        Raises:
          RuntimeError: there is no event loop, as outside of a notebook.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError("playing needs the event loop of a notebook; here call step(rounds) instead") from None
        if Player.current is not None and Player.current is not self:
            Player.current.stop()
        Player.current, self.playing, self.pictures = self, True, 0
        if self._task is None or self._task.done():
            self._wake = asyncio.Event()
            self._task = loop.create_task(self._run())

    def stop(self):
        """Ends the play; what is being trained is finished first."""
        self.playing = False
        if Player.current is self:
            Player.current = None
        if self._wake is not None:
            self._wake.set()

    async def _run(self):
        error = None
        try:
            while self.playing:
                begun = time.perf_counter()
                rounds, interval = self._pace()
                await asyncio.to_thread(self._work, rounds)
                worked = time.perf_counter() - begun
                self._adapt(worked)
                if not self.playing:
                    break
                self._show()
                self.pictures += 1
                await self._sleep(max(0.003, interval - (time.perf_counter() - begun)))
        except Exception as caught:  # whatever went wrong is said in the widget
            error = caught
        self.stop()
        self._stopped(error)

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

    async def _sleep(self, seconds):
        self._wake.clear()
        if self.playing:
            try:
                await asyncio.wait_for(self._wake.wait(), seconds)
            except TimeoutError:
                pass
