"""One writer for the figures of a run: JSON lines, TensorBoard, a line of text.

``metrics.jsonl`` holds only what the seed decides, so that a run that was killed and
resumed leaves the same file as one that was not; what the machine decides (examples per
second, waiting) goes to TensorBoard, to ``speed.jsonl`` and to the progress line.

An object store cannot append. There the files are put whole by `put`, with each
checkpoint: what a killed run did not put, the resumed one writes again.
"""

import itertools
import json
import math
import os
import pathlib
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TextIO

import tensorboardX

from spatialjax.media import WorkingCopy, as_place, cannot_write, write_file
from spatialjax.typing import HostArray

METRICS = "metrics.jsonl"
SPEED = "speed.jsonl"
TENSORBOARD = "tensorboard"


class MetricsWriter:
    """Writes scalars by step; on any process but the first it does nothing."""

    def __init__(
        self,
        workdir: str | os.PathLike[str],
        start_step: int,
        num_steps: int,
        *,
        enabled: bool = True,
        stream: TextIO | None = None,
    ) -> None:
        """Opens the files; what an earlier run wrote beyond `start_step` is dropped."""
        self._num_steps = num_steps
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._enabled = enabled
        if not enabled:
            return
        self._copy = WorkingCopy(as_place(workdir), (METRICS, SPEED))
        self.folder = self._copy.folder
        for name in (METRICS, SPEED):
            drop_lines_after(self.folder / name, start_step)
        try:
            self._tensorboard = tensorboardX.SummaryWriter(
                str(self.folder / TENSORBOARD), purge_step=start_step + 1
            )
        except OSError as error:
            raise cannot_write(self.folder / TENSORBOARD, error) from error

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._enabled:
            with self._copy:
                self._tensorboard.close()
            if self._is_terminal:
                print(file=self._stream)

    def write(self, step: int, scalars: Mapping[str, float | HostArray]) -> None:
        """One line of ``metrics.jsonl``: figures that the seed decides; NaN is null."""
        self._write(METRICS, step, scalars)

    def write_speed(self, step: int, scalars: Mapping[str, float | HostArray]) -> None:
        """One line of ``speed.jsonl``: figures that depend on the machine."""
        self._write(SPEED, step, scalars)

    def _write(
        self, name: str, step: int, scalars: Mapping[str, float | HostArray]
    ) -> None:
        if not self._enabled:
            return
        values = {key: float(value) for key, value in scalars.items()}
        finite = {key: value for key, value in values.items() if math.isfinite(value)}
        line = {"step": step} | {key: finite.get(key) for key in values}
        append_line(self.folder / name, json.dumps(line))
        for key, value in finite.items():
            self._tensorboard.add_scalar(key, value, step)
        self._tensorboard.flush()

    def put(self) -> None:
        """Puts the files into the store of a workdir by URL; on a disk they are there.

        Raises:
          MediaError: the store refuses.
        """
        if self._enabled:
            self._copy.put()

    def progress(self, step: int, loss: float, steps_per_s: float, note: str) -> None:
        """The line that a person watches, with the time that is left."""
        if not self._enabled:
            return
        left_s = (self._num_steps - step) / steps_per_s if steps_per_s > 0 else 0.0
        text = (
            f"step {step}/{self._num_steps}  loss {loss:.4g}  "
            f"{steps_per_s:.3g} steps/s  {note}  {clock(left_s)} left"
        )
        if self._is_terminal:
            print(f"\r{text:<79}", end="", file=self._stream, flush=True)
        else:
            self.say(text)

    def say(self, text: str) -> None:
        """A line of its own."""
        if self._enabled:
            start = "\r" if self._is_terminal else ""
            print(f"{start}{text}", file=self._stream, flush=True)


def append_line(path: pathlib.Path, line: str) -> None:
    """Adds a whole line to a file, or nothing.

    Raises:
      UserError: the file cannot be written.
    """
    try:
        before = path.stat().st_size if path.exists() else 0
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError:
            os.truncate(path, before)
            raise
    except OSError as error:
        raise cannot_write(path, error) from error


def drop_lines_after(path: pathlib.Path, step: int) -> None:
    """Keeps the lines of a file of JSON lines up to a step, or to a damaged line.

    Raises:
      UserError: the file cannot be written.
    """
    if not path.exists():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    kept = itertools.takewhile(lambda line: _step_of(line) <= step, lines)
    write_file(path, b"".join(kept))


def _step_of(line: bytes) -> float:
    """The step of a line; infinite where the line is damaged, as by a power loss."""
    try:
        found = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:  # no JSON, or no UTF-8
        return math.inf
    return found["step"] if isinstance(found, dict) and "step" in found else math.inf


def clock(duration_s: float) -> str:
    """A duration as ``h:mm:ss``."""
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
