"""Recordings of a sound field: a video, and its sound within or beside it."""

import pathlib
import re
from dataclasses import dataclass

from spatialjax.errors import DataError
from tfds_builders.raw.sources import RAW_SUFFIXES, files_below

SOUND_SUFFIXES = (
    *(".wav", ".flac", ".m4a", ".aac", ".ogg", ".opus", ".mka", ".caf", ".w64"),
    *(".aif", ".aiff"),
)
"""Without ``.amb``, which is FuMa: W is 3 dB lower, and the channels are W X Y Z."""

_PART = re.compile(r"(?P<id>.+)\.(?P<part>audio|video)(\.f[\w-]+)?")
"""Names of downloaded parts, ``ID.video.mp4`` and ``ID.audio.f338.webm``."""


@dataclass(frozen=True)
class Recording:
    """A video and the file with its sound, often the same."""

    clip_id: str
    pictures: pathlib.Path
    sound: pathlib.Path


def find_recordings(root: pathlib.Path) -> list[Recording]:
    """The videos below a folder in order of their names, with their sounds.

    The sound of ``NAME.mp4`` is ``NAME.wav`` (or flac, m4a, ...) where that is there,
    else its own. ``NAME.video.mp4`` and ``NAME.audio.f338.webm`` belong together too. A
    sound without a video is left out.

    Raises:
      DataError: no such folder, no video in it, or two files for one part.
    """
    if not root.is_dir():
        raise DataError(f"source {str(root)!r} is no folder, expected one of videos")
    found: dict[str, dict[str, pathlib.Path]] = {"video": {}, "audio": {}}
    for path in files_below(root, (*RAW_SUFFIXES, *SOUND_SUFFIXES)):
        part = "audio" if path.suffix.lower() in SOUND_SUFFIXES else "video"
        name = path.stem
        if named := _PART.fullmatch(name):
            name, part = named["id"], named["part"]
        clip_id = path.with_name(name).relative_to(root).as_posix()
        other = found[part].setdefault(clip_id, path)
        if other != path:
            raise DataError(
                f"{other} and {path} would both be the {part} of {clip_id!r}: rename "
                "or remove one of them"
            )
    if not found["video"]:
        raise DataError(f"{root} has no videos ({' '.join(RAW_SUFFIXES)})")
    return [
        Recording(clip_id, path, found["audio"].get(clip_id, path))
        for clip_id, path in sorted(found["video"].items())
    ]
