"""What a page asks of an item, and where its sounds and pictures go."""

import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from spatialjax.media import float_to_int16, write_file, write_wav
from spatialjax.tasks.base import Scores
from spatialjax.typing import Batch, HostArray, PyTree


@dataclass(frozen=True)
class ItemFiles:
    """Writes sounds and pictures of an item beside a page, and gives their links.

    `page` is the folder of the page, `place` that of the item within it.
    """

    page: pathlib.Path
    place: pathlib.PurePosixPath
    sample_rate_hz: int

    def sound(self, name: str, signal: HostArray) -> str:
        """Writes a signal ``[c, t]`` in [-1, 1] as a WAV."""
        pcm = float_to_int16(signal)
        write_wav(self.page / self.place / name, pcm, self.sample_rate_hz)
        return str(self.place / name)

    def picture(self, name: str, content: bytes) -> str:
        """Writes the bytes of a picture."""
        write_file(self.page / self.place / name, content)
        return str(self.place / name)


class ShownItem(Protocol):
    """One item of an evaluation as a page shows it; all arrays are NumPy.

    A kind of item is made of the `OUTPUTS` of a task, whichever it is, and drawn by its
    `TEMPLATE`.
    """

    OUTPUTS: ClassVar[tuple[str, ...]]
    TEMPLATE: ClassVar[str]

    @property
    def index(self) -> int:
        """Its place in the list of items."""
        ...

    @classmethod
    def of_row(
        cls, row: int, outputs: PyTree, batch: Batch, scores: Mapping[str, Scores]
    ) -> Self:
        """The item in a row of a batch."""
        ...

    def show(self, files: ItemFiles, classes: Sequence[str]) -> dict[str, Any]:
        """What its template draws; sounds and pictures are written."""
        ...
