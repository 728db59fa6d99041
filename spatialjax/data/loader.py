"""Batches for training and evaluation; the position in the data is the step alone.

Batch `step` of a run is a function of (seed, step). Row r of it is item
``step * batch_size + r``, whichever process, thread or worker builds it: process p of
P builds rows [p B / P, (p + 1) B / P), or as much of each micro-batch. A run resumes at
any step, on any number of processes, without the state of an iterator.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
from absl import logging

from spatialjax.data.clips import Clip, Dataset, Excerpt
from spatialjax.data.config import DataConfig
from spatialjax.data.examples import (
    DrawnExamples,
    Example,
    Seen,
    Source,
    listed_examples,
)
from spatialjax.data.images import Crop, decode_flows, decode_images
from spatialjax.data.pairs import PairList
from spatialjax.data.read_ahead import HostBatch, read_ahead
from spatialjax.data.sampling import Sampler, check_classes, class_ids_of
from spatialjax.data.windows import Window
from spatialjax.errors import ConfigError, DataError, check_shape
from spatialjax.tasks.base import BatchSpec

ENTRIES = {
    "audio": ("int16", "n c t"),
    "images": ("uint8", "n v h w 3"),
    "flow": ("float16", "n v h w 2"),
    "image_time_s": ("float32", "n v"),
    "channel_mask": ("float32", "n c"),
    "gain": ("float32", "n"),
    "class_id": ("int32", "n"),
    "example_id": ("int32", ""),
    "valid": ("bool", ""),
}
"""Type and shape of each entry that the loader can fill."""

NUM_RETRIES = 7
"""Times that a silent training window is drawn again; then its row is not valid."""

SLOW_S = 5.0
"""A source of an example that takes longer is told by name."""

clock_s = time.perf_counter


def train_batches(
    dataset: Dataset,
    batch_spec: BatchSpec,
    config: DataConfig,
    seed: int,
    start_step: int = 0,
    process_index: int = 0,
    process_count: int = 1,
    num_micro_batches: int = 1,
) -> Generator[HostBatch, None, None]:
    """Endless batches of drawn mixtures, from `start_step` on.

    ``example_id`` is the number of the item in the run, modulo 2^31. Close the
    iterator to end its threads and workers.

    Args:
      dataset: where the clips lie.
      batch_spec: names, shapes and rates of a batch.
      config: how examples are drawn.
      seed: of all draws.
      start_step: the first batch.
      process_index: which share of the rows is built.
      process_count: into how many shares the rows are split.
      num_micro_batches: parts of a batch that are split among the processes each by
        itself; a share holds its rows of the first part, then those of the second.

    Raises:
      ConfigError: the batch cannot be split among the processes.
      DataError: the dataset does not fit the specification or the draws, or a record
        is damaged; the text names the clip.
    """
    clips = dataset.split(config.train_split)
    window = fit_window(dataset, batch_spec, config)
    sampler = _sampler(clips, config, batch_spec["audio"].shape[0], seed)
    batches = BatchSource(
        dataset=dataset,
        batch_spec=dict(batch_spec),
        window=window,
        examples=DrawnExamples(
            clips,
            sampler,
            window,
            config.image_scale,
            NUM_RETRIES if config.silence_rms else 0,
        ),
        silence_rms=config.silence_rms,
        batch_size=config.batch_size,
        rows=share_of_rows(
            config.batch_size, process_index, process_count, num_micro_batches
        ),
    )
    return read_ahead(batches, config, start_step)


def _sampler(
    clips: tuple[Clip, ...], config: DataConfig, num_sources: int, seed: int
) -> Sampler:
    """What draws the examples.

    Raises:
      DataError: there are too few clips or classes.
    """
    class_ids = class_ids_of(clips)
    if config.class_distinct:
        check_classes(clips, class_ids, num_sources)
    return Sampler(
        class_ids=class_ids,
        num_sources=num_sources,
        class_distinct=config.class_distinct,
        gains=(config.gain_low, config.gain_high),
        silent_probability=config.silent_probability,
        flip=config.flip,
        seed=seed,
    )


def pair_batches(
    dataset: Dataset,
    batch_spec: BatchSpec,
    config: DataConfig,
    pairs: PairList,
    batch_size: int,
    process_index: int = 0,
    process_count: int = 1,
    swaps_images: bool = False,
) -> Iterator[HostBatch]:
    """The mixtures of a pair list once, in order, with gain 1.

    ``example_id`` is the place in the list. The last batch is filled up with zeros
    whose ``valid`` is False. With `swaps_images` each source shows the pictures of
    another one, as a control.

    Raises:
      ConfigError: the batch cannot be split among the processes.
      DataError: dataset, list and specification do not fit, or a record is damaged.
    """
    window = fit_window(dataset, batch_spec, config)
    num_sources = batch_spec["audio"].shape[0]
    if pairs.num_sources != num_sources:
        raise DataError(
            f"the pair list mixes {pairs.num_sources} sources, the task {num_sources}: "
            "make a list for as many"
        )
    batches = BatchSource(
        dataset=dataset,
        batch_spec=dict(batch_spec),
        window=window,
        examples=listed_examples(
            pairs, dataset, window, config.box_margin, swaps_images
        ),
        batch_size=batch_size,
        rows=share_of_rows(batch_size, process_index, process_count),
    )
    return read_ahead(batches, config, 0)


def share_of_rows(
    batch_size: int, process_index: int, process_count: int, num_parts: int = 1
) -> tuple[int, ...]:
    """The rows of a global batch, of each of its parts, that one process builds.

    Raises:
      ConfigError: the parts cannot be split into equal shares.
    """
    rows, rest = divmod(batch_size, process_count * num_parts)
    if rest or not rows:
        times = f" times {num_parts} micro-batches" if num_parts > 1 else ""
        raise ConfigError(
            f"data.batch_size is {batch_size}, expected a multiple of the "
            f"{process_count} processes{times}"
        )
    shares = np.arange(batch_size).reshape(num_parts, process_count, rows)
    return tuple(shares[:, process_index].ravel().tolist())


def fit_window(dataset: Dataset, batch_spec: BatchSpec, config: DataConfig) -> Window:
    """What an example takes of its clips, after a check that the dataset can give it.

    Raises:
      DataError: the rate, the channels or an entry does not fit.
      ShapeError: the shapes of the specification contradict each other.
    """
    if "audio" not in batch_spec:
        raise DataError("the task reads no audio, which every example is built around")
    _check_entries(batch_spec)
    audio = batch_spec["audio"]
    if audio.rate_hz != dataset.sample_rate_hz:
        raise DataError(
            f"dataset {dataset.path} has sound at {dataset.sample_rate_hz} Hz, the "
            f"task expects {audio.rate_hz} Hz: build the dataset at that rate, or "
            "set the rate of the task"
        )
    if "flow" in batch_spec:
        _check_flow(dataset, batch_spec, config)
    _, channels, num_samples = audio.shape
    if channels != dataset.channels:
        raise DataError(
            f"dataset {dataset.path} has {dataset.channels} channels, the task expects "
            f"{channels}: build the dataset with as many"
        )
    seen = batch_spec.get("images") or batch_spec.get("flow")
    return Window(
        num_samples=num_samples,
        sample_rate_hz=dataset.sample_rate_hz,
        num_images=seen.shape[1] if seen else 0,
        image_spacing_s=config.image_spacing_s,
        centre_margin_s=config.centre_margin_s,
    )


def _check_entries(batch_spec: BatchSpec) -> None:
    """Refuse entries that the loader cannot fill.

    Raises:
      DataError: an entry is unknown, or of another dtype than the loader gives.
      ShapeError: an entry has another shape than it can have.
    """
    sizes = {"n": batch_spec["audio"].shape[0]}
    for name, spec in batch_spec.items():
        if name not in ENTRIES:
            raise DataError(f"the task reads {name!r}, which no clip holds")
        dtype, pattern = ENTRIES[name]
        check_shape(f"the task's {name}", spec, pattern, sizes)
        if spec.dtype != dtype:
            raise DataError(
                f"the task reads {name!r} as {spec.dtype}, the loader gives {dtype}"
            )


def _check_flow(dataset: Dataset, batch_spec: BatchSpec, config: DataConfig) -> None:
    """Refuse a task that sees optical flow where there is none to see.

    Raises:
      DataError: a clip has no flow, or its pictures are to be cut.
      ShapeError: the flow is not of the task's pictures.
    """
    if "images" in batch_spec:
        sizes = check_shape("the task's images", batch_spec["images"], "n v h w 3")
        check_shape("the task's flow", batch_spec["flow"], "n v h w 2", sizes)
    clips = (clip for split in dataset.splits.values() for clip in split)
    if lacking := next((clip for clip in clips if not clip.has_flow), None):
        raise DataError(
            f"clip {lacking.clip_id!r} of dataset {dataset.path} has no optical flow, "
            "which the task sees: build the dataset with --flow, or set has_flow of "
            "the task to false"
        )
    if not Crop(scale=config.image_scale, is_flipped=config.flip).is_whole:
        raise DataError(
            f"data.image_scale is {config.image_scale} and data.flip {config.flip}: "
            "optical flow is of whole pictures, set 1 and false"
        )


@dataclass(frozen=True)
class BatchSource:
    """Random access to batches by step: what Grain's threads and workers share."""

    dataset: Dataset
    batch_spec: BatchSpec
    window: Window
    examples: DrawnExamples | tuple[Example, ...]
    batch_size: int
    rows: tuple[int, ...]
    silence_rms: float = 0.0

    def __len__(self) -> int:
        return -(-len(self.examples) // self.batch_size)

    def __getitem__(self, step: int) -> HostBatch:
        """The rows of batch `step` that this process builds; padding stays zero."""
        indices = [step * self.batch_size + row for row in self.rows]
        batch = {
            name: np.zeros((len(indices), *spec.shape), spec.dtype)
            for name, spec in self.batch_spec.items()
        }
        if "example_id" in batch:
            batch["example_id"][:] = np.array(indices) % (1 << 31)
        for row, index in enumerate(indices):
            if index < len(self.examples):
                self._fill(batch, row, self.examples[index])
        return batch

    def _fill(self, batch: HostBatch, row: int, example: Example) -> None:
        """Write one example into a row of a batch."""
        is_valid = True
        for n, source in enumerate(example):
            clip = source.clip
            before_s = clock_s()
            excerpt, seen, is_heard = self._read(source)
            is_valid &= is_heard
            batch["audio"][row, n] = excerpt.audio[source.index]
            self._show(batch, row, n, source, excerpt)
            if (took_s := clock_s() - before_s) > SLOW_S:
                logging.warning(
                    "clip %r of %s took %.0f s to read and decode: is the disk slow, "
                    "or data.num_threads more than its cores?",
                    clip.clip_id,
                    self.dataset.path,
                    took_s,
                )
            if "image_time_s" in batch:
                batch["image_time_s"][row, n] = self.window.image_times_s(*seen)
            if "gain" in batch:
                batch["gain"][row, n] = source.gain
            if "class_id" in batch:
                batch["class_id"][row, n] = clip.class_ids[source.index]
            if "channel_mask" in batch:
                mask = clip.channel_mask
                batch["channel_mask"][row, n] = 1 if mask is None else mask
        if "valid" in batch:
            batch["valid"][row] = is_valid

    def _show(
        self, batch: HostBatch, row: int, n: int, source: Source, excerpt: Excerpt
    ) -> None:
        """Write what is seen of source n of an example.

        Raises:
          DataError: it cannot be decoded; the text names the clip.
        """
        try:
            if "flow" in batch:
                if not source.crop.is_whole:
                    raise DataError("its picture is cut, but flow is of a whole one")
                decode_flows(excerpt.flow, batch["flow"][row, n])
            if "images" in batch:
                decode_images(excerpt.images, source.crop, batch["images"][row, n])
        except DataError as error:
            raise DataError(f"clip {source.clip.clip_id!r}: {error}") from error

    def _read(self, source: Source) -> tuple[Excerpt, Seen, bool]:
        """Sound and pictures, where these are, and whether the sound is loud.

        It is that of the first centre which is loud enough, or of the last one.
        """
        clip, window = source.clip, self.window
        for centre in (source.centre, *source.others):
            excerpt = window.read(self.dataset, clip, centre, not source.is_silent)
            is_heard = not source.others or (
                window.level(clip, excerpt.audio[source.index, 0]) > self.silence_rms
            )
            if is_heard:
                break
        if source.seen is None:
            return excerpt, (clip, centre), is_heard
        shown = window.read(self.dataset, *source.seen, has_sound=False)
        return shown._replace(audio=excerpt.audio), source.seen, is_heard
