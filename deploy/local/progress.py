"""A progress bar on stderr: redrawn on a terminal, a line a quarter elsewhere."""

import sys
import threading

WIDTH = 30


class Progress:
    """Counts bytes from several threads towards `total`."""

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.done = label, total, 0
        self._mutex = threading.Lock()
        self._shown = -1

    def add(self, count: int) -> None:
        """Count `count` more bytes (fewer when negative: a download that starts again)."""
        with self._mutex:
            self.done += count
            steps = WIDTH if sys.stderr.isatty() else 4
            step = steps * self.done // max(1, self.total)
            if step > self._shown:
                self._shown = step
                self._draw()

    def _draw(self) -> None:
        filled = min(WIDTH, WIDTH * self.done // max(1, self.total))
        bar = "#" * filled + "." * (WIDTH - filled)
        line = f"{self.label} [{bar}] {self.done / 1e6:.0f}/{self.total / 1e6:.0f} MB"
        final = self.done >= self.total
        if sys.stderr.isatty():
            print(f"\r{line}", end="\n" if final else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)
