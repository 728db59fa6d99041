"""The sources of a film at its own rate, and what they lack of it."""

import contextlib
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import soundfile

from spatialjax.inference.writer import MIXTURE
from spatialjax.media import rechunk, stream_audio, write_wav_stream

RESIDUAL = "residual.wav"

BLOCK = 1 << 16
"""Samples that are held of each file."""


def write_at_input_rate(path: str, folder: pathlib.Path, files: Sequence[str]) -> int:
    """Bring the files of a folder to the rate of the film, and add ``residual.wav``.

    The mixture becomes the sound of the film itself. The residual is what the sources
    lack of it: all above half the model's rate, and what no source holds. Sources and
    residual add up to the film.

    Args:
      path: the film.
      folder: holds ``mixture.wav`` and the files.
      files: WAVs of the sources, relative to the folder.

    Returns:
      The rate of the film in Hz.

    Raises:
      MediaError: a file cannot be read or written.
    """
    mixture = folder / MIXTURE
    with stream_audio(path) as film:
        rate_hz, channels = film.sample_rate_hz, film.channels
        most = soundfile.info(mixture).frames * rate_hz
        most = most // soundfile.info(mixture).samplerate + rate_hz
        with write_wav_stream(mixture, rate_hz, channels, most) as write:
            for chunk in film.chunks:
                write(chunk)
    num_samples = soundfile.info(mixture).frames
    for file in files:
        _resample(folder / file, rate_hz, num_samples)
    with contextlib.ExitStack() as stack:
        whole = stack.enter_context(soundfile.SoundFile(mixture))
        parts = [stack.enter_context(soundfile.SoundFile(folder / f)) for f in files]
        write = stack.enter_context(
            write_wav_stream(folder / RESIDUAL, rate_hz, channels, num_samples)
        )
        for block in whole.blocks(BLOCK, dtype="float64", always_2d=True):
            for part in parts:
                block = block - part.read(len(block), "float64", always_2d=True)
            write(block.T)
    return rate_hz


def _resample(file: pathlib.Path, rate_hz: int, num_samples: int) -> None:
    """Brings a WAV to another rate and an exact length, in its place."""
    new = file.with_name("resampled.part.wav")
    with contextlib.ExitStack() as stack:
        reader = stack.enter_context(stream_audio(file, rate_hz))
        write = stack.enter_context(
            write_wav_stream(new, rate_hz, reader.channels, num_samples)
        )
        left = num_samples
        for chunk in rechunk(reader.chunks, BLOCK):
            write(chunk[:, :left])
            left -= min(left, chunk.shape[1])
        write(np.zeros((reader.channels, left), np.float32))
    os.replace(new, file)
