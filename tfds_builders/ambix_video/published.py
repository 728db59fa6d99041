"""The parts of a clip in the published layout.

``ambix/000000.wav``, ... hold one second each, ``video/000000.jpg``, ... one picture
each; ``flow``, which may lack, one packed flow each and ``flow_limits.npy``.
"""

import io
import pathlib

import numpy as np
from PIL import Image

from spatialjax.errors import DataError, MediaError
from spatialjax.media import encode_jpeg, read_audio, read_jpeg
from spatialjax.media.flow import decode_packed_flow, encode_flow
from tfds_builders.ambix_video.settings import Settings
from tfds_builders.av_clips.rates import image_rate_hz
from tfds_builders.raw.ambisonics_pictures import (
    SphereForm,
    check_sphere,
    equirect_picture,
)
from tfds_builders.raw.ambisonics_sound import resample, sound_stream

_ANY_SIDE = 1 << 20
"""A short side that no picture exceeds."""


def read_seconds(folder: str, sample_rate_hz: int) -> np.ndarray:
    """The sound int16 [c, t] of the files of one second below ``ambix``.

    Raises:
      DataError: there are none, or one is missing.
      MediaError: one cannot be read, is no second long, or is not like the others; the
        last one may be shorter.
    """
    paths = _numbered(pathlib.Path(folder) / "ambix", ".wav")
    sound_stream(paths[0])
    seconds, form = [], None
    for path in paths:
        samples, rate_hz, _ = read_audio(path)
        found = rate_hz, len(samples)
        form = form or found
        if found != form:
            raise MediaError(
                f"{path} has {found[1]} channels at {found[0]} Hz, the files before "
                f"it {form[1]} at {form[0]} Hz"
            )
        is_last_and_shorter = path == paths[-1] and samples.shape[1] < rate_hz
        if samples.shape[1] != rate_hz and not is_last_and_shorter:
            raise MediaError(
                f"{path} has {samples.shape[1]} samples, expected one second, {rate_hz}"
            )
        seconds.append(samples)
    # As one piece, so that no second has an edge.
    return resample(np.concatenate(seconds, 1), rate_hz, sample_rate_hz)


def read_pictures(
    folder: str, duration_s: float, settings: Settings
) -> tuple[list[bytes], float, bool]:
    """JPEG files and their rate, and whether all are stored as they are published.

    Raises:
      DataError: there are none, or one is missing.
      MediaError: one is broken or no sphere, or they do not fit the duration of the
        sound.
    """
    paths = _numbered(pathlib.Path(folder) / "video", ".jpg")
    found_hz = image_rate_hz(len(paths), duration_s, settings.image_rate_hz)
    rate_hz = min(found_hz, settings.image_rate_hz)
    duration_s = min(duration_s, len(paths) / found_hz)
    shown = [
        int((index + 0.5) / rate_hz * found_hz)
        for index in range(settings.num_images(duration_s, rate_hz))
    ]
    images, are_kept = [], rate_hz == found_hz
    for index in shown:
        content, is_kept = _stored_picture(paths[index], settings)
        images.append(content)
        are_kept = are_kept and is_kept
    return images, rate_hz, are_kept


def read_published_flow(folder: str, num_images: int) -> list[bytes] | None:
    """The flow of each image, encoded without a further loss; None where there is none.

    Raises:
      DataError: there is less than one for each image, or one is missing.
      MediaError: one cannot be read.
    """
    flow = pathlib.Path(folder) / "flow"
    if not flow.is_dir():
        return None
    paths = _numbered(flow, ".jpg")
    try:
        limits = np.load(flow / "flow_limits.npy", allow_pickle=False)
        if not np.isfinite(limits).all():
            raise MediaError(f"{flow}/flow_limits.npy has limits that are not finite")
        flows = []
        for path, (low, high) in zip(paths[:num_images], limits, strict=False):
            decoded = decode_packed_flow(path.read_bytes(), (float(low), float(high)))
            flows.append(encode_flow(decoded))
    except (OSError, ValueError, TypeError) as error:
        raise MediaError(f"{flow} cannot be read: {error}") from error
    if len(flows) < num_images:
        raise DataError(f"{flow} has {len(flows)} flows for {num_images} images")
    return flows


def _numbered(folder: pathlib.Path, suffix: str) -> list[pathlib.Path]:
    """The files ``000000.wav``, ``000001.wav``, ... of a folder.

    Raises:
      DataError: there is no such folder or file, or one is missing.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} does not exist")
    paths = [p for p in folder.glob(f"*{suffix}") if p.stem.isdecimal()]
    paths.sort(key=lambda path: int(path.stem))
    if not paths:
        raise DataError(f"{folder} has no files 000000{suffix}, ...")
    for number, path in enumerate(paths):
        if int(path.stem) != number:
            raise DataError(f"{folder} has no {number:06d}{suffix}, but {path.name}")
    return paths


def _stored_picture(path: pathlib.Path, settings: Settings) -> tuple[bytes, bool]:
    """A picture as JPEG of the stored size, and whether it has not been changed."""
    content, size = read_jpeg(path, _ANY_SIDE, settings.jpeg_quality)
    if size == settings.picture_size:
        return content, True
    with Image.open(io.BytesIO(content)) as picture:
        check_sphere(picture, path)
        small = equirect_picture(picture, SphereForm(), settings.short_side)
    return encode_jpeg(small, settings.jpeg_quality), False
