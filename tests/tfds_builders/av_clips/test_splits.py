import collections

from tfds_builders.av_clips.splits import assign_splits


def assign(ids, names, seed=0, duets=None, silent=None):
    none = [False] * len(ids)
    return assign_splits(ids, names, duets or none, silent or none, seed)


def test_shares_of_each_class():
    names = ["a"] * 20 + ["b"] * 50 + ["c"] * 3 + ["d"]
    ids = [f"{name}/{i}" for i, name in enumerate(names)]
    count = collections.Counter(zip(names, assign(ids, names), strict=True))
    assert [count["a", s] for s in ("train", "validation", "test")] == [16, 2, 2]
    assert [count["b", s] for s in ("train", "validation", "test")] == [40, 5, 5]
    assert [count["c", s] for s in ("train", "validation", "test")] == [1, 1, 1]
    assert count["d", "train"] == 1


def test_work_grows_with_the_clips_and_not_with_their_square():
    compared = 0

    class Name(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    ids = [Name(f"a/{i}") for i in range(300)]
    assert len(assign(ids, ["a"] * 300)) == 300
    assert compared < 3000


def test_seed_and_ids_decide_and_not_the_order():
    ids = [f"a/{i}" for i in range(40)]
    names = ["a"] * 40
    first = dict(zip(ids, assign(ids, names), strict=True))
    again = dict(zip(ids[::-1], assign(ids[::-1], names), strict=True))
    assert first == again
    assert first != dict(zip(ids, assign(ids, names, seed=1), strict=True))


def test_one_more_clip_moves_few():
    ids = [f"a/{i}" for i in range(40)]
    before = assign(ids, ["a"] * 40)
    after = assign([*ids, "a/new"], ["a"] * 41)[:40]
    assert sum(x != y for x, y in zip(before, after, strict=True)) <= 2


def test_clips_of_one_video_stay_together():
    videos = [f"{i:011d}" for i in range(20)]
    ids = [f"a/label-{video}-{start}" for video in videos for start in (0, 10, 200)]
    ids += [f"a/{video}_000030" for video in videos]
    splits = assign(ids, ["a"] * len(ids))
    by_video = collections.defaultdict(set)
    for clip_id, split in zip(ids, splits, strict=True):
        by_video[next(v for v in videos if v in clip_id)].add(split)
    assert all(len(found) == 1 for found in by_video.values())
    assert {split for found in by_video.values() for split in found} == {
        "train",
        "validation",
        "test",
    }


def test_numbered_takes_are_videos_of_their_own():
    ids = [f"a/take_{i}" for i in range(10)]
    assert set(assign(ids, ["a"] * 10)) == {"train", "validation", "test"}


def test_duets_and_silence():
    ids = [f"x/{i}" for i in range(14)]
    duets = [i >= 12 for i in range(14)]
    silent = [i in (10, 11) for i in range(14)]
    splits = assign(ids, ["x"] * 14, duets=duets, silent=silent)
    assert splits[10:] == ["train", "train", "duets", "duets"]
    assert "duets" not in splits[:10]


def test_a_video_of_two_classes_is_in_one_split():
    ids = [f"{name}/{i:011d}-{s}" for i in range(9) for s, name in ((0, "a"), (5, "b"))]
    splits = assign(ids, ["a", "b"] * 9)
    assert splits[::2] == splits[1::2]
