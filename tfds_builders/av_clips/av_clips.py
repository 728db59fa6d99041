"""The av_clips dataset: any folder or index of recordings with sound and pictures."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow_datasets as tfds

from spatialjax.errors import DataError
from tfds_builders.av_clips.clip import AvClip, Settings
from tfds_builders.av_clips.index import (
    SILENCE,
    class_names,
    clip_ids,
    read_source,
)
from tfds_builders.av_clips.splits import assign_splits
from tfds_builders.builder import SegmentBuilder
from tfds_builders.settings import replace_settings

SPLITS = ("train", "validation", "test", "duets")


@dataclasses.dataclass(eq=False)
class AvClipsConfig(tfds.core.BuilderConfig):
    """How a collection is stored and split.

    Attributes:
      settings: rates and sizes.
      space_means_duet: a class with a space in its name is two instruments at once.
      seed: draws the splits of a source that does not name them.
    """

    settings: Settings = dataclasses.field(default_factory=Settings)
    space_means_duet: bool = False
    seed: int = 0


class AvClips(SegmentBuilder):
    """Recordings of a user.

    Args:
      settings: values of `Settings` that replace those of the config.
      **kwargs: of `SegmentBuilder`; `source` is a folder or csv (`index.read_source`).

    Raises:
      ConfigError: a setting is out of range.
    """

    takes_settings = True
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}
    BUILDER_CONFIGS = [
        AvClipsConfig(
            name="default",
            description="11025 Hz mono, at most 8 images a second.",
        ),
        AvClipsConfig(
            name="music",
            description="MUSIC: 11 instruments, solos and duets; 11025 Hz, 8 images/s.",
            space_means_duet=True,
        ),
        AvClipsConfig(
            name="music21",
            description="MUSIC-21: 21 instruments, solos; 11025 Hz, 8 images/s.",
            space_means_duet=True,
        ),
        AvClipsConfig(
            name="vggsound",
            description="VGGSound: clips of 10 s; 11025 Hz mono, 1 image/s.",
            settings=Settings(image_rate_hz=1.0),
        ),
    ]

    def __init__(
        self, *, settings: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        config: AvClipsConfig = self.builder_config
        self.settings = replace_settings(config.settings, settings)
        self.settings.validate()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all classes of the source, in alphabetical order."""
        return self._index[0]

    def clips(self) -> Mapping[str, Sequence[AvClip]]:
        """The clips of each split, in the order of the source.

        Raises:
          DataError: the source cannot be read, or a clip is there twice.
        """
        return self._index[1]

    @functools.cached_property
    def _index(self) -> tuple[tuple[str, ...], dict[str, list[AvClip]]]:
        """Classes, and clips of each split."""
        rows = read_source(self.source)
        ids, names = clip_ids(rows), class_names(rows, self.source)
        config: AvClipsConfig = self.builder_config
        duets = [config.space_means_duet and " " in name for name in names]
        # A duet belongs to two classes, and so to none.
        names = ["" if duet else name for name, duet in zip(names, duets, strict=True)]
        splits = [row.split for row in rows]
        if not all(splits):
            silent = [name == SILENCE for name in names]
            splits = assign_splits(ids, names, duets, silent, config.seed)
        clips: dict[str, list[AvClip]] = {}
        for split in SPLITS:
            clips[split] = [
                AvClip(
                    clip_id,
                    name,
                    row.audio_path,
                    row.images_path,
                    row.num_images,
                    self.settings,
                )
                for row, clip_id, name, found in zip(
                    rows, ids, names, splits, strict=True
                )
                if found == split
            ]
        _check_distinct(clips)
        return tuple(sorted(set(names) - {""})), {k: v for k, v in clips.items() if v}


def _check_distinct(clips: Mapping[str, Sequence[AvClip]]) -> None:
    """Raise DataError where two clips have one id, and so one sound."""
    seen: dict[str, tuple[str, AvClip]] = {}
    for split, members in clips.items():
        for clip in members:
            other_split, other = seen.setdefault(clip.clip_id, (split, clip))
            if other_split != split:
                raise DataError(
                    f"clip {clip.clip_id!r} is in the splits {other_split!r} and "
                    f"{split!r}, expected in one"
                )
            if other is not clip:
                raise DataError(
                    f"clip {clip.clip_id!r} is there twice, with the pictures "
                    f"{other.images_path} and {clip.images_path}: name it once"
                )
