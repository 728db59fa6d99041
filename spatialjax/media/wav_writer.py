"""WAV files of any length, written as their samples come."""

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import soundfile

from spatialjax.errors import MediaError
from spatialjax.media.container import FilePath
from spatialjax.media.files import cannot_write
from spatialjax.media.places import local_path

LARGEST_WAV = 2**32 - 2**16
"""Bytes of samples that a plain WAV can hold; RF64 takes over above."""


@contextlib.contextmanager
def write_wav_stream(
    path: FilePath, sample_rate_hz: int, channels: int, most_samples: int
) -> Iterator[Callable[[np.ndarray], None]]:
    """A function that appends samples ``[c, t]``, as 32-bit float: nothing is clipped.

    Args:
      path: the file; it is not whole before the context ends.
      sample_rate_hz: of the samples.
      channels: of the samples.
      most_samples: about how many will come; decides between WAV and RF64.

    Raises:
      MediaError: the file cannot be written.
    """
    form = "RF64" if 4 * channels * most_samples > LARGEST_WAV else "WAV"
    try:
        # This tells why it cannot be written, as soundfile does not.
        local_path("the WAV file", path).touch()
        file = soundfile.SoundFile(
            path, "w", sample_rate_hz, channels, "FLOAT", format=form
        )
    except OSError as error:
        raise cannot_write(path, error) from error
    except soundfile.LibsndfileError as error:
        raise MediaError(
            f"{path} cannot be written: {error.error_string.rstrip('.')}"
        ) from error

    def write(samples: np.ndarray) -> None:
        before = file.tell()
        # soundfile asserts where the system has taken less than was given.
        with contextlib.suppress(AssertionError, soundfile.LibsndfileError):
            file.write(np.ascontiguousarray(samples.T, np.float32))
        if file.tell() != before + samples.shape[1]:
            raise MediaError(
                f"{path} cannot be written any further, as a rule for want of room; "
                "free some and run again, or write elsewhere"
            )

    with file:
        yield write
