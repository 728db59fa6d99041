"""What a separation leaves on a disk while it goes on."""

import contextlib
import math
import pathlib
import re
import resource
from collections.abc import Sequence

import jax
import numpy as np

from spatialjax.errors import DataError
from spatialjax.inference.film import Film
from spatialjax.inference.joining import Piece
from spatialjax.inference.places import frames_per_map
from spatialjax.inference.regions import Region
from spatialjax.inference.scene import Levels, maps_to_db
from spatialjax.inference.streaming import Batch
from spatialjax.media import write_wav_stream
from spatialjax.tasks.base import WindowSpec
from spatialjax.typing import HostArray

OTHER_FILES = 128
"""That a process has open beside those of the sources, at the most."""

MIXTURE = "mixture.wav"
SOURCES = "sources"


def source_files(regions: Sequence[Region]) -> tuple[str, ...]:
    """A file for each source: its number, and its name as far as letters go."""
    digits = len(str(len(regions)))
    plain = [re.sub(r"\W+", "_", region.name).strip("_")[:60] for region in regions]
    return tuple(
        f"{SOURCES}/{n:0{digits}d}_{name or 'source'}.wav"
        for n, name in enumerate(plain, 1)
    )


def allow_open_files(num_files: int) -> None:
    """Let this process hold so many files open, beside some of its own.

    Raises:
      DataError: the system does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = num_files + OTHER_FILES
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise DataError(
            f"{num_files} sources are asked for, but a process may hold {hard} files "
            "open here; ask for fewer, such as points or boxes"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


class PieceWriter(contextlib.ExitStack):
    """The WAVs of the sources and the mixture, open; keeps levels and maps.

    Attributes:
      num_samples: written to each file so far.
      levels: of the sources.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        files: Sequence[str],
        spec: WindowSpec,
        film: Film,
    ) -> None:
        super().__init__()
        rate_hz = spec.sample_rate_hz
        most = film.most_samples(rate_hz)
        self._spec = spec
        self._skip = spec.n_fft // 2
        self._maps: list[HostArray] = []
        self.num_samples = 0
        self.levels = Levels(len(files), rate_hz)
        (folder / SOURCES).mkdir()
        with contextlib.ExitStack() as opened:  # closed if one cannot be opened
            self._write = [
                opened.enter_context(
                    write_wav_stream(folder / file, rate_hz, film.channels, most)
                )
                for file in (*files, MIXTURE)
            ]
            self.push(opened.pop_all().__exit__)

    def add(self, piece: Piece, batch: Batch) -> None:
        """Writes the next piece, of the next windows."""
        estimates, energy = jax.device_get(piece)
        new = self._spec.num_frames // 2 * self._spec.hop
        mixture = batch.windows.samples[..., :new]
        whole = np.moveaxis(mixture, 0, 1).reshape(1, mixture.shape[1], -1)
        signals = np.concatenate([estimates, whole])[..., self._skip :]
        self._skip = 0
        signals = signals[..., : batch.num_samples - self.num_samples]
        self.num_samples = batch.num_samples
        for write, signal in zip(self._write, signals, strict=True):
            write(signal)
        self.levels.add(signals[:-1])
        self._maps.append(maps_to_db(energy, self._spec.n_fft))

    def maps(self) -> HostArray:
        """The energy maps of the film, uint8 ``[maps, h', w']``."""
        num_frames = 1 + self.num_samples // self._spec.hop
        num_maps = math.ceil(num_frames / frames_per_map(self._spec))
        return np.concatenate(self._maps)[:num_maps]
