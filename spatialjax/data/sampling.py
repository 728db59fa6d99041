"""Draws that depend on a seed and a counter alone: which clips, where, how loud.

Every number comes from Philox 4x64 (Salmon et al., 2011) under the key (seed, index),
so item 7 000 000 is drawn without drawing those before it, and is the same in every
process and thread. Only raw bits of the generator are used: NumPy promises to keep
them, whereas its distributions may change from version to version.
"""

import enum
import functools
from dataclasses import dataclass

import numpy as np

from spatialjax.data.clips import Clip
from spatialjax.errors import DataError


class Purpose(enum.IntEnum):
    """What a stream of draws is for; streams of different purposes never meet."""

    ORDER = 0
    ITEM = 1
    PAIR_ORDER = 2
    PAIRS = 3


def uniforms(
    seed: int, purpose: Purpose, index: int, shape: tuple[int, ...] | int
) -> np.ndarray:
    """Numbers uniform in [0, 1), float64, the same for the same arguments."""
    bits = np.random.Philox(key=(seed, index), counter=(0, 0, 0, purpose))
    count = int(np.prod(shape))
    return (bits.random_raw(count) >> np.uint64(11)).reshape(shape) * 2.0**-53


@functools.lru_cache(maxsize=4)
def shuffled(seed: int, purpose: Purpose, index: int, size: int) -> np.ndarray:
    """A permutation of 0 ... size - 1; `index` tells one permutation from the next."""
    order = np.argsort(uniforms(seed, purpose, index, size), kind="stable")
    order.flags.writeable = False
    return order


@dataclass(frozen=True)
class SourceDraw:
    """How one source of an example is taken; the last five are uniform in [0, 1)."""

    clip: int
    is_silent: bool
    is_flipped: bool
    gain: float
    centre: float
    crop_row: float
    crop_column: float


@dataclass(frozen=True)
class Sampler:
    """Draws the examples of training.

    The first source of item i walks through all clips, in a new order for each pass;
    the others are uniform over the clips, those of the example's classes excluded if
    `class_distinct`. Otherwise, as published, a partner may even be the clip itself.

    Attributes:
      class_ids: class of each clip ``[clips]``, -1 where unknown.
      num_sources: sources of an example.
      class_distinct: whether the sources of an example differ in class.
      gains: least and greatest factor on a source.
      silent_probability: share of the sources, but the first, without sound.
      flip: whether half of the sources have mirrored pictures.
      seed: of all draws, 0 to 2^63 - 1.
    """

    class_ids: np.ndarray
    num_sources: int
    class_distinct: bool = False
    gains: tuple[float, float] = (0.5, 1.5)
    silent_probability: float = 0.0
    flip: bool = True
    seed: int = 0

    def item(self, index: int) -> tuple[SourceDraw, ...]:
        """The sources of item `index`, counted from the begin of training."""
        num_clips = len(self.class_ids)
        draws = uniforms(self.seed, Purpose.ITEM, index, (self.num_sources, 7))
        epoch, position = divmod(index, num_clips)
        clips = [int(shuffled(self.seed, Purpose.ORDER, epoch, num_clips)[position])]
        for u in draws[1:, 0]:
            clips.append(draw_partner(self.class_ids, clips, u, self.class_distinct))
        low, high = self.gains
        return tuple(
            SourceDraw(
                clip=clip,
                is_silent=bool(n > 0 and silent < self.silent_probability),
                is_flipped=bool(self.flip and flip < 0.5),
                gain=float(low + (high - low) * gain),
                centre=float(centre),
                crop_row=float(row),
                crop_column=float(column),
            )
            for n, (clip, (_, silent, flip, gain, centre, row, column)) in enumerate(
                zip(clips, draws, strict=True)
            )
        )


def draw_partner(
    class_ids: np.ndarray, chosen: list[int], uniform: float, class_distinct: bool
) -> int:
    """A clip, each as likely, that may share no class with those chosen if so told."""
    if not class_distinct:
        return int(uniform * len(class_ids))
    is_allowed = np.ones(len(class_ids), bool)
    for clip in chosen:
        is_allowed &= class_ids != class_ids[clip]
    allowed = np.flatnonzero(is_allowed)
    return int(allowed[int(uniform * len(allowed))])


def class_ids_of(clips: tuple[Clip, ...]) -> np.ndarray:
    """Classes ``[clips]`` of clips that have one source each.

    Raises:
      DataError: a clip has several sources, so that it cannot be mixed as one.
    """
    if several := [clip for clip in clips if clip.num_sources != 1]:
        raise DataError(
            f"clip {several[0].clip_id!r} of split {several[0].split!r} has "
            f"{several[0].num_sources} sources and cannot be one source of a mixture: "
            "take a split of solos, or the pair rule 'duet'"
        )
    return np.array([clip.class_ids[0] for clip in clips])


def check_classes(clips: tuple[Clip, ...], class_ids: np.ndarray, least: int) -> None:
    """Refuse clips from which `least` different classes cannot be drawn.

    Raises:
      DataError: a class is unknown, or there are too few.
    """
    split, known = clips[0].split, np.unique(class_ids[class_ids >= 0])
    if unknown := int((class_ids < 0).sum()):
        raise DataError(
            f"{unknown} of {len(clips)} clips of split {split!r} have no class: mixing "
            "by class needs them all; label the clips, or mix without regard to class"
        )
    if len(known) < least:
        raise DataError(
            f"split {split!r} has {len(known)} classes, {least} sources of different "
            "classes need as many: take fewer sources or more clips"
        )
