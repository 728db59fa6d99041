"""A polite stop: a signal asks for it, the loop answers at the end of a step."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Notes the first SIGTERM or SIGINT while it is entered; the second one kills.

    The earlier handlers come back on leaving, and after the first signal. Outside the
    main thread, where Python allows no handlers, nothing is noted.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        """Installs handlers on entering, if `enabled`."""
        self._enabled = enabled
        self.signal_name: str | None = None
        self._earlier: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopRequest":
        is_main = threading.current_thread() is threading.main_thread()
        if self._enabled and is_main:
            for number in SIGNALS:
                self._earlier[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal_name = signal.Signals(number).name
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier.clear()
