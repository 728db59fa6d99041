"""The builder that every dataset of this package derives from.

A dataset is a list of clips for each split, each able to load itself. From there on
all are alike: clips are loaded by a pool of processes or by Apache Beam, cut into
segments, written in order, checked, and summed up in JSON files.
"""

import abc
import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from tqdm import tqdm

from spatialjax.errors import DataError, UserError
from tfds_builders.loading import (
    BrokenClip,
    ClipSource,
    MissingBudget,
    load_clip,
    load_clips,
    worker_pool,
)
from tfds_builders.segments import features, finish, records, write_json
from tfds_builders.shards import write_shards

PIPELINES = ("local", "beam")

_STAND_IN = {
    "audio": np.zeros((1, 1, 1), np.int16),
    "images": [],
    "clip": "",
    "segment": 0,
}


class SegmentBuilder(tfds.core.GeneratorBasedBuilder):
    """A dataset of segments.

    A subclass gives VERSION, configs, `classes` and `clips`, and lies in a folder with
    README.md, CITATIONS.bib and TAGS.txt.

    Args:
      source: what the clips are taken from, for datasets that read files.
      pipeline: "local" (a pool of processes) or "beam".
      num_workers: processes of the local pool; 0 loads in this process.
      max_missing: greatest fraction of clips that may be missing or broken.
      **kwargs: of every TFDS builder: data_dir, config, version, file_format.

    Raises:
      DataError: an unknown pipeline, or a fraction outside [0, 1].
    """

    segment_s = 2.0
    takes_settings = False
    """Whether the constructor has an argument `settings`."""
    has_flow = False
    """Whether every image of every clip has an optical flow."""

    def __init__(
        self,
        *,
        source: str = "",
        pipeline: str = "local",
        num_workers: int = 0,
        max_missing: float = 0.01,
        **kwargs: Any,
    ) -> None:
        if pipeline not in PIPELINES:
            raise DataError(f"pipeline {pipeline!r}, expected {' or '.join(PIPELINES)}")
        if not 0 <= max_missing <= 1:
            raise DataError(f"max_missing is {max_missing}, expected 0 to 1")
        if num_workers < 0:
            raise DataError(f"num_workers is {num_workers}, expected 0 or more")
        self.source = source
        self.pipeline = pipeline
        self.num_workers = num_workers
        self.max_missing = max_missing
        super().__init__(**{"file_format": "array_record", **kwargs})

    @property
    @abc.abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Names of all classes; their order defines the class ids."""

    @abc.abstractmethod
    def clips(self) -> Mapping[str, Sequence[ClipSource]]:
        """The clips of each split, in order.

        Raises:
          DataError: the source cannot be understood.
        """

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=features(self.has_flow), disable_shuffling=True
        )

    def _generate_splits(
        self, dl_manager: Any, download_config: tfds.download.DownloadConfig
    ) -> list[tfds.core.SplitInfo]:
        """Write all splits and ``missing.json``; TFDS calls it within a new folder."""
        splits = self.clips()
        budget = MissingBudget(sum(map(len, splits.values())), self.max_missing)
        if self.pipeline == "beam":
            infos = list(super()._generate_splits(dl_manager, download_config))
            for split, clips in splits.items():
                self._count_unused(split, clips, budget)
        else:
            with worker_pool(self.num_workers) as pool:
                infos = [
                    self._write_split(split, clips, budget, pool)
                    for split, clips in splits.items()
                ]
        write_json(
            pathlib.Path(self.data_dir) / "missing.json",
            [dataclasses.asdict(broken) for broken in budget.broken],
        )
        return infos

    def _write_split(
        self,
        split: str,
        clips: Sequence[ClipSource],
        budget: MissingBudget,
        pool: Executor | None,
    ) -> tfds.core.SplitInfo:
        """Load the clips of a split and write them as they come."""
        num_before = len(budget.broken)

        def examples() -> Iterator[dict[str, Any]]:
            loaded = load_clips(clips, pool, self.num_workers + 1)
            bar = tqdm(loaded, desc=split, total=len(clips), unit="clip", mininterval=1)
            for index, clip in enumerate(bar):
                if isinstance(clip, BrokenClip):
                    budget.add(clip)
                    continue
                for _, example in records(index, clip, self.segment_s):
                    yield example
            _check_usable(split, clips, budget.broken[num_before:])

        template = self._get_filename_template(split_name=split)
        return write_shards(examples(), self.info.features, template)

    def _post_download_and_prepare_hook(self) -> None:
        finish(self.data_dir, self.classes)

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        """For Apache Beam only."""
        return {
            split: self._generate_examples(split, clips)
            for split, clips in self.clips().items()
        }

    def _generate_examples(self, split: str, clips: Sequence[ClipSource]) -> Any:
        """The steps of a Beam pipeline that load the clips of a split.

        A clip that cannot be used is noted in a file, and a split of no other clips
        holds a stand-in: a step that fails costs a hundred lines, which differ from
        runner to runner. `_count_unused` reads the file when the pipeline has ended.
        """
        beam = tfds.core.lazy_imports.apache_beam
        segment_s, path = self.segment_s, str(self._unused_path(split))
        stand_in = _STAND_IN | ({"flow": []} if self.has_flow else {})
        num_clips = len(clips)

        def load(item: tuple[int, ClipSource]) -> Iterator[Any]:
            index, source = item
            clip = load_clip(source)
            try:
                if not isinstance(clip, BrokenClip):
                    yield from records(index, clip, segment_s)
                    return
                unused = index, False, clip.clip_id, clip.reason, clip.path
            except UserError as error:
                unused = index, True, source.clip_id, str(error), source.path
            yield beam.pvalue.TaggedOutput("unused", unused)

        def note(entries: list[Any]) -> Iterator[Any]:
            write_json(pathlib.Path(path), sorted(entries))
            if len(entries) == num_clips:
                yield 0, stand_in

        @beam.ptransform_fn
        def generate(pipeline: Any) -> Any:
            numbered = pipeline | beam.Create(list(enumerate(clips)))
            loaded = numbered | beam.Reshuffle() | beam.FlatMap(load).with_outputs()
            noted = loaded.unused | beam.combiners.ToList() | beam.FlatMap(note)
            return (loaded[None], noted) | beam.Flatten()

        return generate()

    def _count_unused(
        self, split: str, clips: Sequence[ClipSource], budget: MissingBudget
    ) -> None:
        """Count the clips that a Beam pipeline did not use, as if they came now.

        Raises:
          DataError: there are too many, or one stops the build.
        """
        num_before = len(budget.broken)
        path = self._unused_path(split)
        for _, stops, *clip in json.loads(path.read_text()):
            broken = BrokenClip(*clip)
            if stops:
                raise DataError(broken.reason)
            budget.add(broken)
        _check_usable(split, clips, budget.broken[num_before:])
        path.unlink()

    def _unused_path(self, split: str) -> pathlib.Path:
        """Where the Beam pipeline notes the clips of a split that it does not use."""
        return pathlib.Path(self.data_dir) / f"unused-{split}.json"


def _check_usable(
    split: str, clips: Sequence[ClipSource], broken: Sequence[BrokenClip]
) -> None:
    """Raise DataError where all clips of a split are broken."""
    if len(broken) == len(clips):
        first = [f"; the first, {clip.clip_id!r}: {clip.reason}" for clip in broken[:1]]
        raise DataError(f"split {split!r} has no clip that can be used{''.join(first)}")
