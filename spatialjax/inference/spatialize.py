"""A sound and what is seen made into a sound field, from disk to disk.

Memory does not grow with length: the field goes to an AmbiX WAV as it comes, and all
else is made of that.
"""

import contextlib
import math
import pathlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from spatialjax.errors import ConfigError, MediaError
from spatialjax.inference.field_files import (
    AMBIX_SUFFIX,
    check_field_film,
    describe_field,
    ear_filters,
    write_binaural,
    write_field_film,
    write_stereo,
)
from spatialjax.inference.field_model import FieldModel
from spatialjax.inference.field_pictures import look_at
from spatialjax.inference.field_source import FieldSource
from spatialjax.inference.field_stream import FieldStream
from spatialjax.media import cannot_write, rechunk, stream_audio, write_ambix_wav
from spatialjax.media.container import FilePath
from spatialjax.media.new_file import check_new_file
from spatialjax.typing import HostArray

BLOCK_S = 10.0
"""Sound that goes into the stream at once: several calls, none waiting for another."""

WriteOverlay = Callable[[str, FieldSource, pathlib.Path, float | None], None]
"""Writes a film of where the sound comes from: its name, the source, an AmbiX WAV, and
when that begins on the clock of the pictures (None: with the first)."""


@dataclass(frozen=True)
class FieldOutputs:
    """The files to write; what is None is not written.

    Attributes:
      field: AmbiX as .wav, or a film: .mp4, .mov, .webm, .mkv.
      binaural: .wav for headphones.
      stereo: .wav of the left and the right half.
      overlay: .mp4 of where the sound comes from, see `WriteOverlay`.
      sofa: file of the head to listen with; None is a sphere.
      reencode: encode the pictures of a film anew instead of copying them.
    """

    field: str
    binaural: str | None = None
    stereo: str | None = None
    overlay: str | None = None
    sofa: str | None = None
    reencode: bool = False

    @property
    def is_film(self) -> bool:
        """Whether the sound field gets pictures."""
        return pathlib.Path(self.field).suffix.lower() != AMBIX_SUFFIX

    @property
    def has_pictures(self) -> bool:
        """Whether anything that is written has pictures."""
        return self.is_film or self.overlay is not None

    def check(self, source: FieldSource) -> None:
        """Refuse names that cannot be written.

        Raises:
          ConfigError: a head is given, and nothing to listen to; or pictures are to be
            encoded anew, and there are none.
          MediaError: a file would be written over an input or over another one, is of
            an unknown kind, has a place that cannot be written, or does not fit the
            source.
        """
        if self.sofa is not None and self.binaural is None:
            raise ConfigError(
                f"{self.sofa} is a head to listen with (sofa); name a file for "
                "headphones, too (binaural)"
            )
        if self.reencode and not self.is_film:
            raise ConfigError(
                f"{self.field} has no pictures to encode anew (reencode); name a film"
            )
        named = {
            self.binaural: AMBIX_SUFFIX,
            self.stereo: AMBIX_SUFFIX,
            self.overlay: ".mp4",
        }
        for file, suffix in named.items():
            if file is not None and pathlib.Path(file).suffix.lower() != suffix:
                raise MediaError(f"{file} cannot be written, expected {suffix}")
        used = {pathlib.Path(f).resolve() for f in source.files}
        for file in (self.field, self.binaural, self.stereo, self.overlay):
            if file is None:
                continue
            if (place := pathlib.Path(file).resolve()) in used:
                raise MediaError(
                    f"{file} is read or written already; name another file to write"
                )
            used.add(place)
            check_new_file(file)
        check_field_film(self.field, source, self.reencode)
        if self.overlay is not None and source.pictures is None:
            raise MediaError(
                f"{self.overlay} needs pictures, which {source.sound} lacks"
            )


def spatialize_file(
    model: FieldModel,
    source: FieldSource,
    outputs: FieldOutputs,
    tell: Callable[[str], None] = lambda line: None,
    advance: Callable[[float], None] = lambda done_s: None,
    write_overlay: WriteOverlay | None = None,
) -> None:
    """Write the sound field of a sound, and what else is asked for.

    The field has the rate of the model; its channel 0 is the sound. Each file appears
    whole or not at all.

    Args:
      model: trained.
      source: from `open_field_source`.
      outputs: the files.
      tell: is given lines for the user, at the end what players will see.
      advance: is told how many seconds are done.
      write_overlay: writes `outputs.overlay`.

    Raises:
      UserError: a file cannot be read or written, or does not fit the model, or there
        is nothing to write an overlay with.
    """
    geometry = model.geometry
    outputs.check(source)
    if outputs.overlay is not None and write_overlay is None:
        raise ConfigError(
            f"{outputs.overlay} is an overlay to write; give write_overlay, such as "
            "spatialjax.reports.write_energy_overlay, too"
        )
    filters = None
    if outputs.binaural is not None:
        filters = ear_filters(geometry.sample_rate_hz, geometry.order, outputs.sofa)
    for line in (*source.notes, *_told_rate(source, geometry.sample_rate_hz)):
        tell(line)
    with _ambix_file(outputs) as field:
        start_s = write_field(model, source, field, advance)
        if outputs.is_film:
            gain = write_field_film(
                outputs.field, source, field, start_s, outputs.reencode
            )
            _tell_gain(tell, outputs.field, gain)
        if outputs.binaural is not None and filters is not None:
            gain = write_binaural(outputs.binaural, field, filters)
            _tell_gain(tell, outputs.binaural, gain)
        if outputs.stereo is not None:
            _tell_gain(tell, outputs.stereo, write_stereo(outputs.stereo, field))
        if outputs.overlay is not None and write_overlay is not None:
            begin_s = source.pictures_start_s(start_s)
            write_overlay(outputs.overlay, source, field, begin_s)
    for line in describe_field(outputs.field):
        tell(line)


def write_field(
    model: FieldModel,
    source: FieldSource,
    path: FilePath,
    advance: Callable[[float], None] = lambda done_s: None,
) -> float:
    """Write the sound field of a source as AmbiX WAV, 32-bit float.

    Returns:
      The time of the first sample on the clock of the source's sound.

    Raises:
      MediaError: a file cannot be read or written.
    """
    stream, geometry = FieldStream(model), model.geometry
    rate_hz = geometry.sample_rate_hz
    with contextlib.ExitStack() as stack:
        reader = stack.enter_context(stream_audio(source.sound, rate_hz))
        look = stack.enter_context(look_at(source, geometry, reader.start_s))
        write = stack.enter_context(write_ambix_wav(path, rate_hz, geometry.order))
        state = stream.init()
        mono: Iterator[HostArray] = (
            chunk.mean(0, keepdims=True) for chunk in reader.chunks
        )
        for block in rechunk(mono, math.ceil(BLOCK_S * rate_hz)):
            state, field = stream.step(state, block[0], look)
            write(field)
            advance(state.num_samples / rate_hz)
        write(stream.finish(state, look))
    return reader.start_s


@contextlib.contextmanager
def _ambix_file(outputs: FieldOutputs) -> Iterator[pathlib.Path]:
    """Where the AmbiX WAV goes: to its own name, or beside the film for a while."""
    target = pathlib.Path(outputs.field)
    if not outputs.is_film:
        yield target
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(
            prefix=f".{target.stem}.", dir=target.parent
        )
    except OSError as error:
        raise cannot_write(target, error) from error
    with folder as name:
        yield pathlib.Path(name) / f"{target.stem}{AMBIX_SUFFIX}"


def _told_rate(source: FieldSource, rate_hz: int) -> Iterator[str]:
    if source.sample_rate_hz == rate_hz:
        return
    line = f"the sound has {source.sample_rate_hz} Hz, the field {rate_hz} Hz"
    if source.sample_rate_hz > rate_hz:
        line += f", the model's: what lies above {rate_hz / 2:g} Hz is lost"
    yield line


def _tell_gain(tell: Callable[[str], None], path: str, gain: float) -> None:
    if gain < 1:
        tell(
            f"{path}: all channels are {-20 * np.log10(gain):.1f} dB softer, so that "
            "none is clipped"
        )
