import collections

import pytest

from spatialjax.errors import ConfigError
from tfds_builders.raw.splits import SplitRules, assign, is_duet

LABELS = ("cello", "tuba")


def solos(per_class=20):
    labels = [label for label in LABELS for _ in range(per_class)]
    return [f"{label}/{number}" for number, label in enumerate(labels)], labels


def assigned(ids, labels, duets=(), silent=(), **rules):
    flags = [[clip_id in chosen for clip_id in ids] for chosen in (duets, silent)]
    found = assign(ids, labels, *flags, SplitRules(**rules))
    return dict(zip(ids, found, strict=True))


def counts(found, label):
    return collections.Counter(v for k, v in found.items() if k.startswith(label))


@pytest.mark.parametrize("label", LABELS)
def test_shares_of_each_class(label):
    assert counts(assigned(*solos()), label) == {"train": 15, "val": 3, "test": 2}


def test_the_seed_draws():
    assert assigned(*solos()) == assigned(*solos())
    assert assigned(*solos()) != assigned(*solos(), seed=43)


def test_another_clip_moves_few():
    ids, labels = solos()
    before, after = assigned(ids, labels), assigned([*ids, "tuba/x"], [*labels, "tuba"])
    assert sum(before[clip_id] != after[clip_id] for clip_id in ids) <= 2


def test_duets_are_the_test():
    ids, labels = solos()
    duet = "cello tuba/1"
    found = assigned([*ids, duet], [*labels, "cello tuba"], duets=[duet])
    assert [clip_id for clip_id, split in found.items() if split == "test"] == [duet]
    assert counts(found, "cello/") == {"train": 17, "val": 3}
    found = assigned(
        [*ids, duet], [*labels, "cello tuba"], duets=[duet], duets_to_test=False
    )
    assert found[duet] == "train"
    assert "test" in counts(found, "cello/")


def test_silence_is_for_training():
    ids = [f"silence/{number}" for number in range(30)]
    found = assigned(ids, ["silence"] * 30, silent=ids)
    assert set(found.values()) == {"train"}


@pytest.mark.parametrize(
    ("num_videos", "expected"),
    [(1, "train"), (2, "train val"), (3, "test train val")],
)
def test_small_classes_are_trained_on_first(num_videos, expected):
    found = assigned([f"a/{i}" for i in range(num_videos)], ["a"] * num_videos)
    assert sorted(found.values()) == expected.split()


@pytest.mark.parametrize(
    ("video", "part"),
    [
        ("video-{:05d}", "{}_{:06d}"),
        ("My_concert_{}", "{}_{:06d}"),
        ("My_concert_{}", "{}_{:09d}"),
        ("-0-_abcde{:02d}", "acoustic guitar-{}-{}"),
    ],
)
def test_all_parts_of_a_video_go_together(video, part):
    videos = [video.format(i) for i in range(10)]
    ids = [f"a/{part.format(video, start)}" for video in videos for start in (0, 3, 6)]
    found = assigned(ids, ["a"] * 30)
    for video in videos:
        assert len({split for name, split in found.items() if video in name}) == 1
    assert collections.Counter(found.values()) == {"train": 21, "val": 6, "test": 3}


@pytest.mark.parametrize("name", ["performance_{:02d}", "live-concert-{:02d}"])
def test_numbered_videos_are_not_parts_of_one(name):
    found = assigned([f"a/{name.format(i)}" for i in range(20)], ["a"] * 20)
    assert collections.Counter(found.values()) == {"train": 15, "val": 3, "test": 2}


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("flute violin", True),
        ("acoustic_guitar and violin", True),
        ("whistle drum", True),
        ("violin", False),
        ("playing violin", False),
        ("drum kit", False),
    ],
)
def test_a_duet_names_two_classes(label, expected):
    assert is_duet(label, {"whistle"}) is expected


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({"validation_share": -0.1}, "validation_share is -0.1"),
        ({"test_share": 1.0}, "test_share is 1.0"),
        ({"validation_share": 0.5, "test_share": 0.5}, "is 1, which leaves nothing"),
        ({"test_share": float("nan")}, "test_share is nan"),
    ],
)
def test_rules_out_of_range(rules, text):
    with pytest.raises(ConfigError, match=text):
        SplitRules(**rules).validate()
