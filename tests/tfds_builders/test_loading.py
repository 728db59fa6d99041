import concurrent.futures

import pytest

from spatialjax.errors import DataError
from tests.tfds_builders.fakes import FakeClip
from tfds_builders.loading import (
    BrokenClip,
    MissingBudget,
    load_clip,
    load_clips,
    worker_pool,
)


class TestMissingBudget:
    def test_spends_up_to_its_limit(self):
        budget = MissingBudget(200, 0.01)
        clips = [BrokenClip(f"a/{i}", "no sound", f"/{i}") for i in range(3)]
        budget.add(clips[0])
        budget.add(clips[1])
        with pytest.raises(DataError, match=r"at least 3 of 200 .* 'a/2': no sound"):
            budget.add(clips[2])
        assert budget.broken == clips

    def test_all_may_be_broken(self):
        budget = MissingBudget(1, 1.0)
        budget.add(BrokenClip("a", "no sound", ""))


def test_a_mistake_of_the_user_is_a_broken_clip():
    broken = load_clip(FakeClip(3, broken=True))
    assert broken == BrokenClip("a/3", "there is no sound", "/media/3.mp4")


def test_a_defect_is_raised():
    class Defect(FakeClip):
        def load(self):
            raise KeyError("defect")

    with pytest.raises(KeyError):
        load_clip(Defect(0))


class CountingPool(concurrent.futures.Executor):
    """Runs at once, and counts what has been asked for."""

    def __init__(self):
        self.num_submitted = 0

    def submit(self, function, *args):
        self.num_submitted += 1
        future = concurrent.futures.Future()
        future.set_result(function(*args))
        return future


def test_clips_come_in_order_and_not_far_ahead():
    pool = CountingPool()
    clips = [FakeClip(i, broken=i == 4) for i in range(9)]
    for number, clip in enumerate(load_clips(clips, pool, num_ahead=2)):
        assert clip.clip_id == f"a/{number}"
        assert pool.num_submitted <= number + 3
    assert number == 8


def test_pool_of_none_loads_here():
    with worker_pool(0) as pool:
        assert pool is None
        loaded = list(load_clips([FakeClip(0), FakeClip(1, True)], pool, 1))
    assert [type(clip).__name__ for clip in loaded] == ["ClipMedia", "BrokenClip"]


def test_ended_worker_is_told(monkeypatch):
    with (
        pytest.raises(DataError, match="fewer than 2 workers"),
        worker_pool(2),
    ):
        raise concurrent.futures.process.BrokenProcessPool("killed")
