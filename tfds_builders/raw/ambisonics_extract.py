"""One raw 360 degree video as a clip in the published layout.

``ambix/000000.wav``, ... of one second each; ``video/000000.jpg``, ...; perhaps
``flow/000000.jpg``, ... and ``flow/flow_limits.npy``; and ``audio_pow.lst``, the times
at which a tenth of a second may be taken, half a second from either end, and its root
mean square in the channel W (Morgado et al., 2018, released data).
"""

import io
import itertools
import os
import pathlib
import tempfile
from dataclasses import dataclass

import numpy as np
import soundfile

from spatialjax.errors import DataError, UserError
from spatialjax.media import (
    cannot_write,
    encode_jpeg,
    float_to_int16,
    rechunk,
    sample_images,
    stream_audio,
)
from spatialjax.media.flow import encode_packed_flow, optical_flow
from tfds_builders.raw.ambisonics_pictures import SphereForm, sphere_pictures
from tfds_builders.raw.ambisonics_settings import BLOCKS_PER_S, FieldSettings
from tfds_builders.raw.ambisonics_sound import first_order_channels, sound_stream
from tfds_builders.raw.ambisonics_sources import Recording


@dataclass(frozen=True)
class FieldClip:
    """A recording, the folder of its clip, and the form that is stated elsewhere."""

    recording: Recording
    folder: pathlib.Path
    form: SphereForm | None = None

    @property
    def clip_id(self) -> str:
        """The name of the recording."""
        return self.recording.clip_id

    @property
    def source(self) -> pathlib.Path:
        """The video."""
        return self.recording.pictures

    @property
    def is_whole(self) -> bool:
        """Whether it is there; it appears whole."""
        return (self.folder / "audio_pow.lst").is_file()


def extract_field(
    clip: FieldClip, settings: FieldSettings, workplace: str | os.PathLike[str]
) -> str | None:
    """None when the clip is in its place, else why its source cannot be used.

    Sound and pictures end with the last second that both fill. No more than a second,
    two pictures and the levels are held in memory.

    Args:
      clip: the source and where it goes.
      settings: rates, sizes and forms.
      workplace: folder on the same file system, in which the clip is made.

    Raises:
      MediaError: a part cannot be written: no room, no permission.
    """
    try:
        with tempfile.TemporaryDirectory(dir=workplace) as place:
            made = pathlib.Path(place) / "clip"
            _extract(clip, settings, made)
            clip.folder.parent.mkdir(parents=True, exist_ok=True)
            made.rename(clip.folder)
    except UserError as error:
        return str(error)
    except OSError as error:
        raise cannot_write(clip.folder, error) from error
    return None


def _extract(clip: FieldClip, settings: FieldSettings, made: pathlib.Path) -> None:
    """Make the clip in a new folder.

    Raises:
      UserError: the source cannot be used.
      OSError: a part cannot be written.
    """
    for part in ("ambix", "video", "flow")[: 3 if settings.flow else 2]:
        (made / part).mkdir(parents=True)
    start_s, levels = _write_seconds(clip.recording.sound, settings, made / "ambix")
    if clip.recording.sound != clip.recording.pictures:
        start_s = None
    num_seconds = len(levels)
    num_images, limits = _write_pictures(clip, settings, made, start_s, num_seconds)
    while int(num_seconds * settings.image_rate_hz) > num_images:
        num_seconds -= 1
    kept = int(num_seconds * settings.image_rate_hz)
    if kept == 0:
        raise DataError(f"{clip.source} has no whole second of sound and pictures")
    for second in range(num_seconds, len(levels)):
        (made / f"ambix/{second:06d}.wav").unlink()
    for part, index in itertools.product(("video", "flow"), range(kept, num_images)):
        (made / f"{part}/{index:06d}.jpg").unlink(missing_ok=True)
    if settings.flow:
        np.save(made / "flow/flow_limits.npy", np.array(limits[:kept]))
    blocks = np.concatenate(levels[:num_seconds])
    half = BLOCKS_PER_S // 2
    times = range(half, half + BLOCKS_PER_S * (num_seconds - 1))
    lines = [f"{block / BLOCKS_PER_S:.1f} {blocks[block]:.8f}\n" for block in times]
    (made / "audio_pow.lst").write_text("".join(lines))


def _write_seconds(
    sound: pathlib.Path, settings: FieldSettings, folder: pathlib.Path
) -> tuple[float | None, list[np.ndarray]]:
    """When the sound starts, and of each whole second the levels [10] of W.

    Raises:
      UserError: the sound cannot be used.
    """
    rate_hz = settings.sample_rate_hz
    channels = first_order_channels(sound_stream(sound), settings.channel_map, sound)
    levels: list[np.ndarray] = []
    with stream_audio(sound, rate_hz) as reader:
        for second in rechunk(reader.chunks, rate_hz):
            if second.shape[1] < rate_hz:
                break
            samples = float_to_int16(second[list(channels)])
            # In memory first: a full disk is no fault of the source.
            buffer = io.BytesIO()
            soundfile.write(buffer, samples.T, rate_hz, "PCM_16", format="WAV")
            (folder / f"{len(levels):06d}.wav").write_bytes(buffer.getbuffer())
            blocks = (samples[0] / 2**15).reshape(BLOCKS_PER_S, -1)
            levels.append(np.sqrt(np.mean(blocks**2, -1)))
        return reader.start_s, levels


def _write_pictures(
    clip: FieldClip,
    settings: FieldSettings,
    made: pathlib.Path,
    start_s: float | None,
    num_seconds: int,
) -> tuple[int, list[tuple[float, float]]]:
    """Write the pictures, and their flow, of some seconds; their number, its limits.

    Raises:
      UserError: the video cannot be used.
    """
    most = int(num_seconds * settings.image_rate_hz)
    pictures = sample_images(clip.source, settings.image_rate_hz, start_s)
    limits: list[tuple[float, float]] = []
    before: np.ndarray | None = None
    num_images = 0
    spheres = sphere_pictures(pictures, clip.source, clip.form, settings.short_side)
    for num_images, small in enumerate(itertools.islice(spheres, most), 1):
        name = f"{num_images - 1:06d}.jpg"
        content = encode_jpeg(small, settings.jpeg_quality)
        (made / "video" / name).write_bytes(content)
        if settings.flow:
            image = np.asarray(small)
            # Nothing moves before the first picture.
            flow = optical_flow(image, image if before is None else before)
            packed, limit = encode_packed_flow(flow)
            (made / "flow" / name).write_bytes(packed)
            limits.append(limit)
            before = image
    return num_images, limits
