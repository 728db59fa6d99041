"""AmbiX as WAV files of any length: ACN order, SN3D, no loudspeakers named.

The header is written here since libsndfile names loudspeakers where there are four
channels (mask 0x33, "quad"), and programs then take the components for them. Sources:
Microsoft's "Multiple Channel Audio Data and WAVE Files" (WAVE_FORMAT_EXTENSIBLE) and
EBU Tech 3306 (RF64: a chunk that is reserved becomes `ds64` beyond 4 GB).
"""

import contextlib
import pathlib
import re
import struct
from collections.abc import Callable, Iterator

import numpy as np
import soundfile

from spatialjax.errors import MediaError, check_shape
from spatialjax.media.audio import AudioReader
from spatialjax.media.container import FilePath
from spatialjax.media.new_file import replaced_file
from spatialjax.media.spatial_boxes import sound_field_of

LARGEST_RIFF = 2**32 - 1
"""Bytes that a plain WAV can count; RF64 takes over above."""

_EXTENSIBLE = 0xFFFE
_SUBFORMAT = bytes.fromhex("0000 0000 1000 8000 00AA 0038 9B71")
_CODES = {24: 1, 32: 3}
"""The format behind WAVE_FORMAT_EXTENSIBLE by the bits of a sample: PCM, float."""

_READ_SAMPLES = 2**16


@contextlib.contextmanager
def write_ambix_wav(
    path: FilePath, sample_rate_hz: int, order: int, bits: int = 32
) -> Iterator[Callable[[np.ndarray], None]]:
    """A function that appends ambisonics ``[(order+1)^2, t]``, full scale 1.

    The file appears when the context ends, whole or not at all.

    Args:
      path: the file.
      sample_rate_hz: of the samples.
      order: of the ambisonics.
      bits: 32 writes floating point and clips nothing; 24 writes integers, and clips
        at full scale.

    Raises:
      MediaError: the file cannot be written, another number of bits, an order below 0,
        or samples that are not finite.
      ShapeError: samples of another number of channels.
    """
    if order < 0:
        raise MediaError(f"{path} cannot hold order {order}, expected 0 or more")
    if bits not in _CODES:
        raise MediaError(
            f"{path} cannot be written with {bits} bits, expected 24 or 32"
        )
    channels = (order + 1) ** 2
    num_samples = 0
    with replaced_file(path) as part, open(part, "wb") as file:
        file.write(_header(sample_rate_hz, channels, bits, 0))

        def write(samples: np.ndarray) -> None:
            nonlocal num_samples
            check_shape("samples", samples, "c t", {"c": channels})
            if not np.isfinite(samples).all():
                raise MediaError(f"{path} is given samples that are not finite")
            file.write(_encode(samples, bits))
            num_samples += samples.shape[1]

        yield write
        file.write(bytes(num_samples * channels * bits // 8 % 2))
        file.seek(0)
        file.write(_header(sample_rate_hz, channels, bits, num_samples))


@contextlib.contextmanager
def stream_ambix(path: FilePath) -> Iterator[AudioReader]:
    """The ambisonics of a file of sound, as WAV, RF64, FLAC or CAF, while it is read.

    The number of channels tells the order, 1 or more, which is all that such a file
    knows: that they are AmbiX is for the user to say.

    Raises:
      MediaError: the file cannot be read, or is cut off, or has a number of channels
        that is no sound field.
    """
    try:
        if not pathlib.Path(path).is_file():
            raise MediaError(f"{path} does not exist, expected a file of sound")
        with soundfile.SoundFile(path) as file:
            field = sound_field_of(file.channels)
            if field is None or field.head_locked_stereo:
                raise MediaError(
                    f"{path} has {file.channels} channels, expected (order+1)^2, "
                    "as 4, 9 or 16"
                )
            if re.search(r"^data : \d+ \(should be", file.extra_info, re.MULTILINE):
                raise MediaError(f"{path} is cut off after {file.frames} samples")
            yield AudioReader(
                str(path),
                file.samplerate,
                file.channels,
                f"ambisonic {field.order}",
                0.0,
                _read(file, path),
            )
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise MediaError(f"{path} cannot be read: {reason}") from error


def _read(file: soundfile.SoundFile, path: FilePath) -> Iterator[np.ndarray]:
    for block in file.blocks(_READ_SAMPLES, dtype="float32", always_2d=True):
        if not np.isfinite(block).all():
            raise MediaError(f"{path} holds samples that are not finite")
        yield np.ascontiguousarray(block.T)


def _encode(samples: np.ndarray, bits: int) -> bytes:
    """Samples ``[c, t]`` as the bytes of a file, little-endian."""
    frames = np.ascontiguousarray(samples.T)
    if bits == 32:
        return frames.astype("<f4").tobytes()
    scaled = np.clip(np.rint(frames * 2.0**23), -(2**23), 2**23 - 1)
    return scaled.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _header(sample_rate_hz: int, channels: int, bits: int, num_samples: int) -> bytes:
    """All that stands before the samples: 116 bytes."""
    frame = channels * bits // 8
    data = num_samples * frame
    riff = 108 + data + data % 2
    is_large = riff > LARGEST_RIFF
    unknown = 0xFFFFFFFF
    sizes = struct.pack("<QQQI", riff, data, num_samples, 0) if is_large else bytes(28)
    form = struct.pack(
        "<HHIIHHHHIH14s",
        *(_EXTENSIBLE, channels, sample_rate_hz, sample_rate_hz * frame, frame, bits),
        *(22, bits, 0, _CODES[bits], _SUBFORMAT),  # mask 0: no loudspeakers
    )
    return b"".join(
        [
            b"RF64" if is_large else b"RIFF",
            struct.pack("<I", unknown if is_large else riff),
            b"WAVE",
            (b"ds64" if is_large else b"JUNK") + struct.pack("<I", 28) + sizes,
            b"fmt " + struct.pack("<I", len(form)) + form,
            b"fact" + struct.pack("<II", 4, unknown if is_large else num_samples),
            b"data" + struct.pack("<I", unknown if is_large else data),
        ]
    )
