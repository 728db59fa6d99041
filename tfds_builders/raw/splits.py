"""Splits of an index: solos by class and video, by a seed; duets and silence apart."""

import collections
import hashlib
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from spatialjax.errors import ConfigError

SPLITS = ("train", "val", "test")
SPLIT_FOLDERS = {**{s: s for s in SPLITS}, "valid": "val", "validation": "val"}
"""The names of splits that a list or a folder may use, and ours for them."""

MUSIC_CLASSES = frozenset(
    (
        *("accordion", "acoustic_guitar", "bagpipe", "banjo", "bassoon", "cello"),
        *("clarinet", "congas", "drum", "electric_bass", "erhu", "flute", "guzheng"),
        *("piano", "pipa", "saxophone", "trumpet", "tuba", "ukulele", "violin"),
        "xylophone",
    )
)
"""The instruments of MUSIC and MUSIC-21, as their lists name them."""

_PARTS = (
    re.compile(r"(?P<id>.+)_(\d{6}|\d{9})"),
    re.compile(r".+?-(?P<id>[\w-]{11})-\d+", re.ASCII),
)
"""Names of several clips of one video: as `id_lists` gives them, and the published
``label-id-start`` with an id of YouTube."""


@dataclass(frozen=True)
class SplitRules:
    """How clips are held out.

    Attributes:
      validation_share: share of the solos of each class in ``val``.
      test_share: share of the solos of each class in ``test``, unless duets are there.
      duets_to_test: ``test`` is all duets, where there are any; else a duet is a class
        as any other.
      seed: draws the held-out videos and the order of the rows.
    """

    validation_share: float = 0.15
    test_share: float = 0.1
    duets_to_test: bool = True
    seed: int = 42

    def validate(self) -> None:
        """Check the ranges.

        Raises:
          ConfigError: a share is outside [0, 1), or nothing is left for training.
        """
        for name in ("validation_share", "test_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}, expected 0 up to below 1"
                )
        if self.validation_share + self.test_share >= 1:
            raise ConfigError(
                f"validation_share + test_share is "
                f"{self.validation_share + self.test_share:g}, which leaves nothing "
                "for training"
            )


def is_duet(label: str, known: Collection[str]) -> bool:
    """Whether a label names two instruments, as in ``flute violin``.

    A space alone is not enough (``playing violin``, ``drum kit``): each word has to be
    a class itself, of the `known` ones or of MUSIC.
    """
    words = [word for word in label.split() if word not in ("and", "&")]
    return len(words) > 1 and all(w in known or w in MUSIC_CLASSES for w in words)


def assign(
    clip_ids: Sequence[str],
    labels: Sequence[str],
    duets: Sequence[bool],
    silent: Sequence[bool],
    rules: SplitRules,
) -> list[str]:
    """The split of each clip, "train", "val" or "test".

    Silence is for training only. All clips of a video go together. A share is rounded,
    to one at least where a class has two videos (three for ``test``), so that each
    class is trained on and scored. The draw depends on the seed and the ids alone:
    another clip in the list moves few others.
    """
    apart = [duet and rules.duets_to_test for duet in duets]
    test_share = 0.0 if any(apart) else rules.test_share
    videos = [_video(clip_id) for clip_id in clip_ids]
    splits: dict[str, str] = {}
    by_class: dict[str, dict[str, None]] = collections.defaultdict(dict)
    for video, label, duet, quiet in zip(videos, labels, apart, silent, strict=True):
        if duet or quiet:
            splits[video] = "test" if duet else "train"
        else:
            by_class[label][video] = None
    for label in sorted(by_class):
        free = [video for video in by_class[label] if video not in splits]
        free.sort(key=lambda video: draw(rules.seed, video))
        num_val = _num_held_out(rules.validation_share, len(free), least=2)
        num_test = _num_held_out(test_share, len(free), least=3)
        num_test = min(num_test, max(0, len(free) - num_val - 1))
        for index, video in enumerate(free):
            is_val, is_test = index < num_val, index < num_val + num_test
            splits[video] = "val" if is_val else "test" if is_test else "train"
    return [splits[video] for video in videos]


def draw(seed: int, name: str) -> bytes:
    """A random sort key."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def _num_held_out(share: float, num_videos: int, least: int) -> int:
    """Videos of a class that are held out; never all of them."""
    if share == 0:
        return 0
    wanted = max(math.floor(share * num_videos + 0.5), int(num_videos >= least))
    return min(wanted, max(0, num_videos - 1))


def _video(clip_id: str) -> str:
    """The name that all clips of one video share."""
    name = clip_id.rpartition("/")[2]
    found = next(filter(None, (part.fullmatch(name) for part in _PARTS)), None)
    return found["id"] if found else clip_id
