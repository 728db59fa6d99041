"""Splits of a source that does not name them: by class and video, by a seed."""

import collections
import hashlib
import itertools
import re
from collections.abc import Sequence

VALIDATION_SHARE = 0.1
TEST_SHARE = 0.1

_ID_AND_START = re.compile(r"(?:.+-)?(?P<id>[\w-]{11})[-_]\d+")
"""``[label-]id-start`` or ``id_start``: several clips of one video."""


def assign_splits(
    clip_ids: Sequence[str],
    class_names: Sequence[str],
    duets: Sequence[bool],
    silent: Sequence[bool],
    seed: int,
) -> list[str]:
    """The split of each clip: train 80 %, validation 10 %, test 10 % of each class.

    All clips of a video go together. Duets are a split of their own, "duets": nobody
    knows their parts, so they neither train nor score. Silent clips are for training
    only. A class of three videos or more is in every split. The draw depends on the
    seed and the ids alone: another clip in the list moves few others.
    """
    by_class: dict[str, dict[str, None]] = collections.defaultdict(dict)
    splits: dict[str, str] = {}
    videos = [_video(clip_id) for clip_id in clip_ids]
    for video, name, duet, quiet in zip(
        videos, class_names, duets, silent, strict=True
    ):
        if duet or quiet:
            splits[video] = "duets" if duet else "train"
        else:
            by_class[name][video] = None
    for name in sorted(by_class):
        free = [video for video in by_class[name] if video not in splits]
        free.sort(key=lambda video: _draw(seed, video))
        num_validation = _share(VALIDATION_SHARE, len(free), least=2)
        num_test = _share(TEST_SHARE, len(free), least=3)
        held_out = ["validation"] * num_validation + ["test"] * num_test
        for video, split in itertools.zip_longest(free, held_out, fillvalue="train"):
            splits[video] = split
    return [splits[video] for video in videos]


def _video(clip_id: str) -> str:
    """The name that all clips of one video share."""
    found = _ID_AND_START.fullmatch(clip_id.rpartition("/")[2])
    return found["id"] if found else clip_id


def _share(share: float, num_videos: int, least: int) -> int:
    """Number of held-out videos: rounded, and one where there are `least` videos."""
    return max(round(share * num_videos), int(num_videos >= least))


def _draw(seed: int, video: str) -> bytes:
    """A random sort key."""
    return hashlib.sha256(f"{seed}:{video}".encode()).digest()
