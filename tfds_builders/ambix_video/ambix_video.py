"""The ambix_video dataset: 360 degree videos with the sound field around them."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow_datasets as tfds

from spatialjax.errors import DataError
from tfds_builders.ambix_video.clip import PublishedClip, VideoClip
from tfds_builders.ambix_video.lists import (
    LAYOUTS_FILE,
    find_list,
    mask_of,
    published_splits,
    read_layouts,
)
from tfds_builders.ambix_video.settings import Settings
from tfds_builders.av_clips.index import SPLIT_NAMES
from tfds_builders.av_clips.splits import assign_splits
from tfds_builders.builder import SegmentBuilder
from tfds_builders.loading import ClipSource
from tfds_builders.raw.ambisonics_sources import find_recordings
from tfds_builders.raw.sources import files_below
from tfds_builders.settings import replace_settings

DATABASES = {
    "rec_street": "REC-Street",
    "yt_clean": "YT-Clean",
    "yt_music": "YT-Music",
    "yt_all": "YT-All",
}
"""Names of the published databases in ours and in their lists."""

FOLDS = (1, 2, 3)
SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(eq=False)
class AmbixVideoConfig(tfds.core.BuilderConfig):
    """How a collection is stored and split.

    Attributes:
      settings: rates and sizes.
      database: name in the published lists, whose splits are taken; "" takes all clips.
      fold: which of the published splits.
      seed: draws what no list tells.
    """

    settings: Settings = dataclasses.field(default_factory=Settings)
    database: str = ""
    fold: int = 1
    seed: int = 0


class AmbixVideo(SegmentBuilder):
    """Recordings of sound fields.

    Args:
      settings: values of `Settings` that replace those of the config.
      **kwargs: of `SegmentBuilder`; `source` is a folder in the published layout, or
        one of videos.

    Raises:
      ConfigError: there is no such setting, or it is out of range.
    """

    takes_settings = True
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}
    BUILDER_CONFIGS = [
        AmbixVideoConfig(
            name="default",
            description="All clips of a folder; 48 kHz, first order, 10 images/s.",
        ),
        *(
            AmbixVideoConfig(
                name=f"{name}_{fold}",
                description=f"{database}, published split {fold}.",
                database=database,
                fold=fold,
            )
            for name, database in DATABASES.items()
            for fold in FOLDS
        ),
    ]
    classes = ()

    def __init__(
        self, *, settings: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        self._replaced = settings
        super().__init__(**kwargs)
        self.settings.validate()

    @functools.cached_property
    def settings(self) -> Settings:
        """Those of the config, with what the user has replaced."""
        config: AmbixVideoConfig = self.builder_config
        return replace_settings(config.settings, self._replaced)

    def _info(self) -> tfds.core.DatasetInfo:
        self.has_flow = self.settings.flow
        return super()._info()

    def clips(self) -> Mapping[str, Sequence[ClipSource]]:
        """The clips of each split.

        Raises:
          DataError: the source or a list cannot be read.
        """
        config: AmbixVideoConfig = self.builder_config
        source = pathlib.Path(self.source)
        if not self.source or not source.is_dir():
            raise DataError(
                f"source {self.source!r} is no folder, expected one of clips"
            )
        source = source.absolute()
        layouts = find_list(source, LAYOUTS_FILE)
        masks = read_layouts(layouts) if layouts else {}
        if not config.database:
            return self._all_clips(source, masks)
        splits = published_splits(source, config.database, config.fold, config.seed)
        for clip_id in (i for ids in splits.values() for i in ids if i not in masks):
            where = (
                f"{layouts} does not tell" if layouts else f"no {LAYOUTS_FILE} tells"
            )
            raise DataError(
                f"{where} which channels {clip_id!r} has: put the published one into "
                f"{source}/meta"
            )
        return {
            split: [self._published(source / i, i, masks) for i in ids]
            for split, ids in splits.items()
        }

    def _all_clips(
        self, source: pathlib.Path, masks: Mapping[str, tuple[bool, ...]]
    ) -> dict[str, list[ClipSource]]:
        """The clips of a folder, by the folders of splits or else drawn."""
        config: AmbixVideoConfig = self.builder_config
        seconds = files_below(source, [".wav"])
        folders = sorted(
            {path.parent.parent for path in seconds if path.parent.name == "ambix"}
        )
        clips: list[ClipSource]
        if folders:
            names = [folder.relative_to(source).as_posix() for folder in folders]
            clips = [
                self._published(folder, name, masks)
                for folder, name in zip(folders, names, strict=True)
            ]
        else:
            num_channels = self.settings.num_channels
            clips = [
                VideoClip(
                    found.clip_id,
                    str(found.pictures),
                    str(found.sound),
                    mask_of(masks, found.clip_id, num_channels),
                    self.settings,
                )
                for found in find_recordings(source)
            ]
        ids = [clip.clip_id for clip in clips]
        tops = [SPLIT_NAMES.get(i.partition("/")[0], "") for i in ids]
        if any(tops) and not all(tops):
            named = ", ".join(sorted(set(filter(None, tops))))
            raise DataError(
                f"{source}: {ids[tops.index('')]!r} is in no split, others are in "
                f"{named}: put each clip below a split, or none"
            )
        if not any(tops):
            no = [False] * len(ids)
            tops = assign_splits(ids, [""] * len(ids), no, no, config.seed)
        splits = {
            split: [c for c, top in zip(clips, tops, strict=True) if top == split]
            for split in SPLITS
        }
        return {split: members for split, members in splits.items() if members}

    def _published(
        self,
        folder: pathlib.Path,
        clip_id: str,
        masks: Mapping[str, tuple[bool, ...]],
    ) -> PublishedClip:
        mask = mask_of(masks, clip_id, self.settings.num_channels)
        return PublishedClip(clip_id, str(folder), mask, self.settings)
