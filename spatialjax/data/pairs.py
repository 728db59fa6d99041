"""Lists of the mixtures of an evaluation: made by a rule, kept in a file with a hash.

Two scores can be compared only if their lists are the same, so a list is drawn once,
written down, and known by its hash.
"""

import enum
import hashlib
import itertools
import json
import math
import os
import pathlib
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spatialjax.data.clips import Clip, Dataset
from spatialjax.data.sampling import (
    Purpose,
    check_classes,
    class_ids_of,
    draw_partner,
    shuffled,
    uniforms,
)
from spatialjax.errors import DataError
from spatialjax.media import write_file

FORMAT = 1
"""The layout of the file."""


class PairRule(enum.Enum):
    """How the sources of a mixture are chosen.

    * published: row i with N - 1 rows drawn by ``random.Random(i)``, as the Sound of
      Pixels does; a partner may be of the same class, or the clip itself.
    * class_distinct: clips of N different classes, no set of clips twice.
    * same_class: different clips of one class, told apart by motion alone; likewise.
    * duet: clips that hold several sources in one picture, taken as they are.
    * scene: clips that hold one sound field, each taken as it is at several times.
    """

    PUBLISHED = "published"
    CLASS_DISTINCT = "class_distinct"
    SAME_CLASS = "same_class"
    DUET = "duet"
    SCENE = "scene"


@dataclass(frozen=True)
class PairList:
    """Mixtures of a split, each given by the ids of its clips.

    `items` are N clip ids each; under the rules ``duet`` and ``scene`` one clip id
    each. `centres` are the pictures around which scenes are heard; elsewhere it is the
    middle of each clip.
    """

    rule: PairRule
    split: str
    num_sources: int
    dataset_hash: str
    items: tuple[tuple[str, ...], ...]
    centres: tuple[int, ...] | None = None

    @property
    def hash(self) -> str:
        """SHA-256 of the content, written as JSON with sorted keys and no spaces."""
        text = json.dumps(self._content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def _content(self) -> dict[str, Any]:
        content = {"format": FORMAT, **asdict(self), "rule": self.rule.value}
        if self.centres is None:
            del content["centres"]
        return content

    @property
    def clip_ids(self) -> tuple[str, ...] | None:
        """The clip of each item, where several may be of one clip."""
        return None if self.centres is None else tuple(item[0] for item in self.items)

    @property
    def item_ids(self) -> tuple[str, ...]:
        """A name of each item."""
        names = (" + ".join(item) for item in self.items)
        if self.centres is None:
            return tuple(names)
        return tuple(f"{n} @ {c}" for n, c in zip(names, self.centres, strict=True))

    def clips(self, dataset: Dataset) -> tuple[tuple[Clip, ...], ...]:
        """The clips of each mixture.

        Raises:
          DataError: the list was made for another dataset.
        """
        if self.dataset_hash != dataset.hash:
            raise DataError(
                f"the pair list belongs to a dataset of hash {self.dataset_hash[:12]}, "
                f"{dataset.path} has {dataset.hash[:12]}: make a list for this dataset"
            )
        clips = {clip.clip_id: clip for clip in dataset.split(self.split)}
        try:
            return tuple(tuple(clips[name] for name in item) for item in self.items)
        except KeyError as error:
            raise DataError(
                f"the pair list names clip {error}, which split {self.split!r} of "
                f"{dataset.path} lacks: make the list again"
            ) from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the list and its hash as JSON, whole or not at all.

        Raises:
          MediaError: the file cannot be written.
        """
        text = json.dumps({**self._content(), "hash": self.hash}, indent=1)
        write_file(path, f"{text}\n".encode())


def load_pairs(path: str | os.PathLike[str], dataset: Dataset) -> PairList:
    """The list of a file, which must be unchanged and made for this dataset.

    Raises:
      DataError: the file is missing, damaged, altered or of another dataset.
    """
    try:
        content = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        pairs = PairList(
            rule=PairRule(content["rule"]),
            split=content["split"],
            num_sources=content["num_sources"],
            dataset_hash=content["dataset_hash"],
            items=tuple(tuple(item) for item in content["items"]),
            centres=tuple(content["centres"]) if "centres" in content else None,
        )
        expected = content["hash"]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is no pair list ({error}): make the list again"
        ) from error
    if pairs.hash != expected:
        raise DataError(
            f"{path} was altered: its content has hash {pairs.hash[:12]}, it states "
            f"{str(expected)[:12]}; make the list again"
        )
    pairs.clips(dataset)
    return pairs


def make_pairs(
    dataset: Dataset,
    split: str,
    rule: PairRule,
    num_sources: int = 2,
    num_pairs: int | None = None,
    seed: int = 0,
    scene_spacing_s: float = 1.0,
) -> PairList:
    """The mixtures of a split by a rule.

    Args:
      dataset: where the clips lie.
      split: which clips.
      rule: how they are combined.
      num_sources: N, sources of a mixture.
      num_pairs: mixtures, or all different ones where there are fewer; None for one of
        each clip. Under the rule ``published`` the split is cut to this many clips
        before partners are drawn, as published.
      seed: of the rules that draw by class.
      scene_spacing_s: time between two items of one clip under the rule ``scene``.

    Raises:
      DataError: the split has too few clips or classes for the rule.
    """
    if num_sources < 1 or (num_pairs is not None and num_pairs < 1):
        raise DataError(
            f"{num_pairs} mixtures of {num_sources} sources: both must be 1 or more"
        )
    clips = dataset.split(split)
    centres = None
    if rule is PairRule.SCENE:
        items, centres = _scenes(clips, num_sources, num_pairs, scene_spacing_s)
    elif rule is PairRule.DUET:
        items = _duets(clips[:num_pairs], num_sources)
    elif rule is PairRule.PUBLISHED:
        class_ids_of(clips)
        items = _published(len(clips[:num_pairs]), num_sources)
    else:
        items = _by_class(clips, rule, num_sources, num_pairs or len(clips), seed)
    names = tuple(tuple(clips[i].clip_id for i in item) for item in items)
    return PairList(rule, split, num_sources, dataset.hash, names, centres)


def _scenes(
    clips: tuple[Clip, ...], num_sources: int, most: int | None, spacing_s: float
) -> tuple[list[list[int]], tuple[int, ...]]:
    """Clips by themselves and the pictures at 0.5, 1.5, ... of the spacing.

    A clip shorter than that gives its middle. Where there are more than `most`, those
    that are kept are spread evenly over all.
    """
    class_ids_of(clips)
    if num_sources != 1:
        raise DataError(
            f"the rule 'scene' takes clips as they are, the task mixes {num_sources}"
        )
    found = []
    for index, clip in enumerate(clips):
        duration_s = clip.num_images / clip.image_rate_hz
        for j in range(max(1, int(duration_s / spacing_s))):
            time_s = min((j + 0.5) * spacing_s, duration_s / 2 + j * spacing_s)
            found.append((index, int(time_s * clip.image_rate_hz)))
    count = min(most or len(clips), len(found))
    kept = [found[i * len(found) // count] for i in range(count)]
    return [[index] for index, _ in kept], tuple(centre for _, centre in kept)


def _duets(clips: tuple[Clip, ...], num_sources: int) -> list[list[int]]:
    """Every clip by itself."""
    for clip in clips:
        if clip.num_sources != num_sources:
            raise DataError(
                f"clip {clip.clip_id!r} of split {clip.split!r} holds "
                f"{clip.num_sources} sources, the rule 'duet' was asked for "
                f"{num_sources}: take a split of clips with {num_sources} sources"
            )
    return [[i] for i in range(len(clips))]


def _published(num_clips: int, num_sources: int) -> list[list[int]]:
    """Row i with partners from the generator seeded with i."""
    items = []
    for i in range(num_clips):
        generator = random.Random(i)
        partners = [generator.randint(0, num_clips - 1) for _ in range(num_sources - 1)]
        items.append([i, *partners])
    return items


def _by_class(
    clips: tuple[Clip, ...],
    rule: PairRule,
    num_sources: int,
    num_pairs: int,
    seed: int,
) -> list[list[int]]:
    """Mixtures of different sets of clips; first sources walk through drawn orders.

    The order of the sources changes nothing that is heard, so a set counts once.
    """
    class_ids = class_ids_of(clips)
    first = np.arange(len(clips))
    if rule is PairRule.CLASS_DISTINCT:
        check_classes(clips, class_ids, num_sources)
    else:
        check_classes(clips, class_ids, 1)
        first = np.flatnonzero(np.bincount(class_ids)[class_ids] >= num_sources)
        if not len(first):
            raise DataError(
                f"no class of split {clips[0].split!r} has {num_sources} clips, which "
                "the rule 'same_class' needs: take fewer sources or more clips"
            )
    drawn = _draw_by_class(class_ids, first, rule, num_sources, seed)
    most = _num_sets(class_ids, rule, num_sources)
    items: dict[frozenset[int], list[int]] = {}
    while len(items) < min(num_pairs, most):
        item = next(drawn)
        items.setdefault(frozenset(item), item)
    return list(items.values())


def _draw_by_class(
    class_ids: np.ndarray,
    first: np.ndarray,
    rule: PairRule,
    num_sources: int,
    seed: int,
) -> Iterator[list[int]]:
    """Mixtures without end, the same clips now and then in several of them."""
    for i in itertools.count():
        turn, position = divmod(i, len(first))
        order = shuffled(seed, Purpose.PAIR_ORDER, turn, len(first))
        item = [int(first[order[position]])]
        for uniform in uniforms(seed, Purpose.PAIRS, i, num_sources - 1):
            if rule is PairRule.CLASS_DISTINCT:
                item.append(draw_partner(class_ids, item, uniform, True))
            else:
                same = np.setdiff1d(
                    np.flatnonzero(class_ids == class_ids[item[0]]), item
                )
                item.append(int(same[int(uniform * len(same))]))
        yield item


def _num_sets(class_ids: np.ndarray, rule: PairRule, num_sources: int) -> int:
    """How many sets of clips obey a rule."""
    sizes = np.bincount(class_ids).tolist()
    if rule is PairRule.SAME_CLASS:
        return sum(math.comb(size, num_sources) for size in sizes)
    # Sets of k clips of k classes, class by class: an elementary symmetric polynomial.
    ways = [1] + [0] * num_sources
    for size in sizes:
        for k in range(num_sources, 0, -1):
            ways[k] += size * ways[k - 1]
    return ways[num_sources]
