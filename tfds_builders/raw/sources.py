"""Files below a folder, and where the clip that is made of each raw video goes."""

import os
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass

from spatialjax.errors import DataError

RAW_SUFFIXES = (
    *(".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".flv"),
    *(".wmv", ".asf", ".ts", ".mts", ".m2ts", ".3gp", ".ogv", ".f4v", ".vob", ".mxf"),
)


@dataclass(frozen=True)
class RawClip:
    """A video, and the sound and the folder of images that are made of it."""

    clip_id: str
    source: pathlib.Path
    sound: pathlib.Path
    images: pathlib.Path

    @property
    def is_whole(self) -> bool:
        """Whether both parts are there; either appears whole, the sound last."""
        return self.sound.is_file() and self.images.is_dir()


def find_clips(source: pathlib.Path, output: pathlib.Path) -> list[RawClip]:
    """The videos below `source`, in order, and their places below `output`.

    ``CLASS/NAME.ext`` becomes ``audio/CLASS/NAME.wav`` and ``frames/CLASS/NAME.mp4``;
    deeper folders stay as they are.

    Raises:
      DataError: no such folder, no video in it, two that would be one clip, or one
        folder for both.
    """
    if not source.is_dir():
        raise DataError(f"source {str(source)!r} is no folder, expected one of videos")
    if output.exists() and output.samefile(source):
        raise DataError(f"output is the source, {source}: name another folder")
    clips = []
    for path in files_below(source, RAW_SUFFIXES):
        name = path.relative_to(source).with_suffix("")
        sound = output / "audio" / name.with_name(f"{name.name}.wav")
        images = output / "frames" / name.with_name(f"{name.name}.mp4")
        clips.append(RawClip(name.as_posix(), path, sound, images))
    if not clips:
        raise DataError(f"{source} has no videos ({' '.join(RAW_SUFFIXES)})")
    _check_apart(clips)
    return clips


def _check_apart(clips: Sequence[RawClip]) -> None:
    """Raise DataError where the clips of two videos would get into each other's way."""
    seen: dict[pathlib.Path, RawClip] = {}
    for clip in clips:
        other = seen.setdefault(clip.images, clip)
        if other is not clip:
            raise DataError(
                f"{other.source} and {clip.source} would both become {clip.sound}: "
                "rename one of them"
            )
    for clip in clips:
        for above in clip.images.parents:
            if above in seen:
                raise DataError(
                    f"the folder of {clip.source} would hold the images of "
                    f"{seen[above].source}: rename it"
                )


def files_below(root: pathlib.Path, suffixes: Sequence[str]) -> list[pathlib.Path]:
    """Files below a folder by suffix, in order of their paths, hidden ones left out.

    Links are followed.

    Raises:
      DataError: a folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}")

    found = []
    for above, folders, names in os.walk(root, True, refuse, True):
        folder = pathlib.Path(above)
        folders[:] = [
            name
            for name in folders
            if name[0] != "." and not _leads_back(folder / name)
        ]
        paths = (folder / name for name in names if name[0] != ".")
        found += [p for p in paths if p.suffix.lower() in suffixes and p.is_file()]
    return sorted(found)


def _leads_back(folder: pathlib.Path) -> bool:
    """Whether a folder is a link to one above it: to follow it would never end."""
    if not folder.is_symlink():
        return False
    return any(folder.samefile(above) for above in folder.absolute().parents)
