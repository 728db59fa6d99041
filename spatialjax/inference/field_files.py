"""What a sound field on disk is made into: films, sound for headphones, stereo."""

import pathlib
from collections.abc import Callable, Iterator

import numpy as np

from spatialjax.ambisonics import (
    hrtf_filters,
    measured_hrirs,
    order_of,
    resample_hrirs,
    spherical_head_filters,
)
from spatialjax.errors import MediaError
from spatialjax.inference.field_ears import binaural_chunks, stereo_chunks
from spatialjax.inference.field_source import FieldSource
from spatialjax.media import (
    describe_for_players,
    read_sofa,
    rechunk,
    replaced_file,
    stream_ambix,
    write_spatial_film,
    write_wav_stream,
)
from spatialjax.media.container import FilePath
from spatialjax.media.film_pictures import open_pictures
from spatialjax.media.spatial_film import FILM_KINDS, check_pictures
from spatialjax.typing import HostArray

MOST_PEAK = 0.99
"""Of full scale, where a file would clip above; lossy codecs overshoot a little."""

BLOCK = 1 << 16
"""Samples that are rendered at once."""

AMBIX_SUFFIX = ".wav"

Render = Callable[[Iterator[HostArray]], Iterator[HostArray]]
"""From the chunks ``[c, t]`` of a sound field to those of what is written."""


def check_field_film(path: FilePath, source: FieldSource, reencode: bool) -> None:
    """Refuse the name of a sound field or film that cannot be written from a source.

    Raises:
      MediaError: another kind of file, or pictures that it does not take.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix == AMBIX_SUFFIX:
        return
    if suffix not in FILM_KINDS:
        expected = ", ".join([AMBIX_SUFFIX, *FILM_KINDS])
        raise MediaError(f"{path} cannot be written, expected the ending {expected}")
    with open_pictures(moving_pictures(source, path)) as pictures:
        check_pictures(pictures.codec, path, reencode)


def moving_pictures(source: FieldSource, path: FilePath) -> str:
    """The film of a source, which the file `path` needs.

    Raises:
      MediaError: it has none.
    """
    if source.pictures is None or source.is_still:
        raise MediaError(
            f"{path} needs moving pictures, which {source.pictures or source.sound} "
            f"lacks; write {AMBIX_SUFFIX} alone"
        )
    return source.pictures


def write_field_film(
    path: FilePath,
    source: FieldSource,
    field: FilePath,
    sound_start_s: float,
    reencode: bool = False,
) -> float:
    """Write the pictures of a source with a sound field; the gain of all channels.

    Args:
      path: the film, of a kind in `FILM_KINDS`.
      source: its pictures are copied as they are.
      field: AmbiX WAV.
      sound_start_s: time of its first sample on the clock of the source's sound.
      reencode: encode the pictures anew instead.

    Raises:
      MediaError: see `write_spatial_film`.
    """
    gain, _ = _survey(field, iter)
    with stream_ambix(field) as reader:
        write_spatial_film(
            path,
            moving_pictures(source, path),
            (gain * chunk for chunk in reader.chunks),
            reader.sample_rate_hz,
            sphere=source.sphere,
            sound_start_s=source.pictures_start_s(sound_start_s),
            reencode=reencode,
        )
    return gain


def ear_filters(sample_rate_hz: int, order: int, sofa: FilePath | None) -> HostArray:
    """Filters ``[2, c, taps]`` of a spherical head, or of the head of a SOFA file.

    Raises:
      UserError: the file cannot be read or has too few directions.
    """
    if sofa is None:
        return spherical_head_filters(sample_rate_hz, order)
    measured = measured_hrirs(*read_sofa(sofa)[:4])
    return hrtf_filters(resample_hrirs(measured, sample_rate_hz), order)


def write_binaural(path: FilePath, field: FilePath, filters: HostArray) -> float:
    """Write a sound field for headphones, as WAV; the gain of both ears.

    Args:
      path: the file.
      field: AmbiX WAV.
      filters: from `ear_filters`, of its order and rate.

    Raises:
      MediaError: a file cannot be read or written.
    """
    return _write_heard(
        path, field, lambda chunks: binaural_chunks(rechunk(chunks, BLOCK), filters)
    )


def write_stereo(path: FilePath, field: FilePath) -> float:
    """Write the left and the right cardioid of a sound field, as WAV; their gain.

    Raises:
      MediaError: a file cannot be read or written.
    """
    return _write_heard(
        path, field, lambda chunks: stereo_chunks(rechunk(chunks, BLOCK))
    )


def describe_field(path: FilePath) -> list[str]:
    """Lines for a person, told from the written file itself.

    Raises:
      MediaError: the file cannot be read, or is no sound field.
    """
    if pathlib.Path(path).suffix.lower() != AMBIX_SUFFIX:
        return describe_for_players(path)
    with stream_ambix(path) as reader:
        num_samples = sum(chunk.shape[1] for chunk in reader.chunks)
        return [
            f"sound: AmbiX WAV {reader.sample_rate_hz} Hz, "
            f"{num_samples / reader.sample_rate_hz:.3f} s, ambisonics of order "
            f"{order_of(reader.channels)}, {reader.channels} channels, ACN, SN3D"
        ]


def _write_heard(path: FilePath, field: FilePath, render: Render) -> float:
    """Write what is rendered, two channels, scaled where players would clip it."""
    gain, num_samples = _survey(field, render)
    with (
        stream_ambix(field) as reader,
        replaced_file(path) as part,
        write_wav_stream(part, reader.sample_rate_hz, 2, num_samples) as write,
    ):
        for chunk in render(reader.chunks):
            write(gain * chunk)
    return gain


def _survey(field: FilePath, render: Render) -> tuple[float, int]:
    """The common gain that keeps all channels below full scale, and their length."""
    peak, num_samples = 0.0, 0
    with stream_ambix(field) as reader:
        for chunk in render(reader.chunks):
            peak = max(peak, float(np.abs(chunk).max(initial=0)))
            num_samples += chunk.shape[1]
    return MOST_PEAK / max(peak, MOST_PEAK), num_samples
