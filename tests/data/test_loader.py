"""Batches depend on (seed, step) alone and hold what the examples say."""

import dataclasses
import itertools
import multiprocessing
import os
import re
import signal

import numpy as np
import pytest
from absl import flags

from spatialjax.data import (
    DataConfig,
    PairRule,
    loader,
    make_pairs,
    open_dataset,
    pair_batches,
    train_batches,
)
from spatialjax.data.sampling import Sampler
from spatialjax.errors import ConfigError, DataError, ShapeError
from spatialjax.tasks.base import check_batch
from tests.data import tiny


@pytest.fixture
def config():
    return DataConfig(
        dataset="tiny_clips",
        batch_size=4,
        image_spacing_s=1.2,
        centre_margin_s=1.5,
        num_threads=2,
        prefetch=2,
    )


def first(batches, count):
    found = list(itertools.islice(batches, count))
    batches.close()
    return found


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def test_a_batch_agrees_with_its_specification(dataset, config, make_spec):
    for n, v in [(1, 1), (2, 3), (4, 2)]:
        spec = make_spec(n=n, v=v)
        (batch,) = first(train_batches(dataset, spec, config, seed=0), 1)
        assert check_batch(spec, batch) == 4
        assert batch["valid"].all()
        assert batch["example_id"].tolist() == [0, 1, 2, 3]
        assert ((batch["gain"] >= 0.5) & (batch["gain"] < 1.5)).all()


def test_batches_depend_on_seed_and_step_alone(dataset, config, make_spec):
    spec = make_spec()
    run = first(train_batches(dataset, spec, config, seed=3), 6)
    for step in (1, 4):
        for threads in (0, 3):
            config.num_threads = threads
            again = first(train_batches(dataset, spec, config, 3, start_step=step), 2)
            assert_equal(again[0], run[step])
            assert_equal(again[1], run[step + 1])
    (other,) = first(train_batches(dataset, spec, config, seed=4), 1)
    assert not np.array_equal(other["gain"], run[0]["gain"])


def test_processes_share_the_rows_of_one_batch(dataset, config, make_spec):
    spec = make_spec()
    (whole,) = first(train_batches(dataset, spec, config, 0, start_step=2), 1)
    for count in (2, 4):
        parts = [
            first(train_batches(dataset, spec, config, 0, 2, index, count), 1)[0]
            for index in range(count)
        ]
        joined = {name: np.concatenate([p[name] for p in parts]) for name in whole}
        assert_equal(joined, whole)
    with pytest.raises(ConfigError, match="multiple of the 3 processes"):
        train_batches(dataset, spec, config, 0, 0, 0, 3)


@pytest.mark.slow
def test_worker_processes_give_the_same_batches(dataset, config, make_spec):
    spec = make_spec()
    expected = first(train_batches(dataset, spec, config, 0, start_step=1), 3)
    config.num_workers = 2
    found = first(train_batches(dataset, spec, config, 0, start_step=1), 3)
    for one, other in zip(found, expected, strict=True):
        assert_equal({k: np.array(v) for k, v in one.items()}, other)


def test_sound_and_pictures_are_those_of_the_draws(dataset, media, config, make_spec):
    config.silent_probability = 0.5
    config.flip = False
    spec = make_spec()
    batches = first(train_batches(dataset, spec, config, seed=5), 3)
    sampler = Sampler(
        np.array([0, 1, 2] * 3), 2, silent_probability=0.5, flip=False, seed=5
    )
    silent = 0
    for step, batch in enumerate(batches):
        for row, n in itertools.product(range(4), range(2)):
            draw = sampler.item(step * 4 + row)[n]
            original = media["train"][draw.clip]
            assert batch["gain"][row, n] == np.float32(draw.gain)
            assert batch["class_id"][row, n] == draw.clip % 3
            count = len(original.load().images)
            # Wanted margin: 1.5 s are 3 pictures; 3 pictures spread over 3 each way.
            centre = 3 + int(draw.centre * (count - 6))
            begin = int((centre + 0.5) / 2.5 * 800) - 1000
            padded = np.pad(original.pcm[0], ((0, 0), (2000, 2000)))
            expected = padded[:, 2000 + begin : 4001 + begin]
            if draw.is_silent:
                silent += 1
                expected = np.zeros_like(expected)
            np.testing.assert_array_equal(batch["audio"][row, n], expected)
            for v, index in enumerate((centre - 3, centre, centre + 3)):
                seen = batch["images"][row, n, v].astype(int)
                assert np.abs(seen - original.colour(index)).max() <= 2
    assert 0 < silent < 12


def test_sources_of_distinct_classes(dataset, config, make_spec):
    config.class_distinct = True
    spec = make_spec(n=3)
    for batch in first(train_batches(dataset, spec, config, seed=0), 8):
        assert (np.sort(batch["class_id"], axis=1) == [0, 1, 2]).all()
    with pytest.raises(DataError, match="3 classes, 4 sources"):
        train_batches(dataset, make_spec(n=4), config, seed=0)


def test_crop_and_flip_are_shared_by_the_pictures_of_a_source(
    tmp_path, config, make_spec
):
    # Every picture of the clip is the same, so the cuts must be, too.
    rng = np.random.default_rng(0)
    picture = tiny.jpeg(rng.integers(0, 256, (24, 32, 3), np.uint8))

    class Still(tiny.TinyClip):
        def load(self):
            clip = super().load()
            return dataclasses.replace(clip, images=[picture] * len(clip.images))

    tiny.build(tmp_path, {"train": [Still(0, 9.0, ("bell",))]})
    dataset = open_dataset(tmp_path, "tiny_clips")
    config.image_scale = 1.4
    (batch,) = first(train_batches(dataset, make_spec(v=3), config, seed=0), 1)
    pictures = batch["images"].reshape(8, 3, 16, 16, 3)
    np.testing.assert_array_equal(pictures[:, 0], pictures[:, 1])
    np.testing.assert_array_equal(pictures[:, 0], pictures[:, 2])
    assert len({p.tobytes() for p in pictures[:, 0]}) == 8


def test_ten_minutes_cost_no_more_than_twenty_seconds(
    tmp_path, config, make_spec, monkeypatch
):
    tiny.build(
        tmp_path,
        {
            "short": [tiny.TinyClip(k, 20.0, ("bell",)) for k in range(2)],
            "long": [tiny.TinyClip(k, 600.0, ("bell",)) for k in range(2)],
        },
    )
    dataset = open_dataset(tmp_path, "tiny_clips")
    original = dataset.read_segment
    records = []

    def counting(clip, segment):
        record = original(clip, segment)
        size = record["audio"].nbytes + sum(map(len, record["images"]))
        records.append((clip.split, size))
        return record

    monkeypatch.setattr(dataset, "read_segment", counting)
    config.num_threads = 0
    # Sound of 2.5 s and pictures 1.2 s apart touch at most 3 segments of 2 s.
    for split in ("short", "long"):
        config.train_split = split
        first(train_batches(dataset, make_spec(), config, seed=0), 10)
    sizes = {
        s: [size for name, size in records if name == s] for s in ("short", "long")
    }
    for found in sizes.values():
        assert len(found) <= 10 * 4 * 2 * 3
        assert max(found) == max(sizes["short"])
    assert len(sizes["long"]) == pytest.approx(len(sizes["short"]), rel=0.1)


def test_pairs_come_in_order_from_the_middle(dataset, media, config, make_spec):
    pairs = make_pairs(dataset, "validation", PairRule.PUBLISHED)
    spec = make_spec()
    batches = list(pair_batches(dataset, spec, config, pairs, batch_size=3))
    assert [check_batch(spec, batch) for batch in batches] == [3, 3, 3]
    assert [b["valid"].tolist() for b in batches[1:]] == [
        [True] * 3,
        [True, False, False],
    ]
    assert batches[2]["example_id"].tolist() == [6, 7, 8]
    for name in ("audio", "images", "gain", "class_id"):
        assert not batches[2][name][1:].any()
    for i, item in enumerate(pairs.items):
        batch, row = batches[i // 3], i % 3
        assert (batch["gain"][row] == 1).all()
        for n, name in enumerate(item):
            original = media["validation"][int(name[4:])]
            centre = len(original.load().images) // 2 - 1
            begin = int((centre + 0.5) / 2.5 * 800) - 1000
            np.testing.assert_array_equal(
                batch["audio"][row, n], original.pcm[0, :, begin : begin + 2001]
            )
            seen = batch["images"][row, n, 1].astype(int)
            assert np.abs(seen - original.colour(centre)).max() <= 2
            assert batch["class_id"][row, n] == original.number % 3


def test_processes_share_the_rows_of_pairs(dataset, config, make_spec):
    pairs = make_pairs(dataset, "validation", PairRule.CLASS_DISTINCT)
    spec = make_spec()
    whole = list(pair_batches(dataset, spec, config, pairs, 4))
    parts = [list(pair_batches(dataset, spec, config, pairs, 4, p, 2)) for p in (0, 1)]
    for step, batch in enumerate(whole):
        joined = {n: np.concatenate([p[step][n] for p in parts]) for n in batch}
        assert_equal(joined, batch)


def test_duets_show_each_source_in_its_box(dataset, media, config, make_spec):
    pairs = make_pairs(dataset, "duets", PairRule.DUET)
    (batch,) = pair_batches(dataset, make_spec(), config, pairs, batch_size=2)
    for row, original in enumerate(media["duets"]):
        centre = 12 // 2 - 1
        begin = int((centre + 0.5) / 2.5 * 800) - 1000
        expected = np.pad(original.pcm, ((0, 0), (0, 0), (2000, 2000)))
        np.testing.assert_array_equal(
            batch["audio"][row], expected[..., 2000 + begin : 4001 + begin]
        )
    assert batch["class_id"].tolist() == [[0, 1], [2, 2]]


def test_duet_boxes_choose_the_part_of_the_picture(tmp_path, config, make_spec):
    left, right = (200, 40, 40), (40, 40, 200)
    pixels = tiny.plain(32, 64, left)
    pixels[:, 32:] = right

    class Halves(tiny.TinyClip):
        def load(self):
            clip = super().load()
            return dataclasses.replace(clip, images=[tiny.jpeg(pixels)] * 12)

    boxes = ((0.25, 0.0, 0.5, 0.25), (0.25, 0.625, 0.5, 0.25))
    tiny.build(tmp_path, {"duets": [Halves(0, 5.0, ("bell", "drum"), (32, 64), boxes)]})
    dataset = open_dataset(tmp_path, "tiny_clips")
    pairs = make_pairs(dataset, "duets", PairRule.DUET)
    (batch,) = pair_batches(dataset, make_spec(), config, pairs, batch_size=1)
    for n, colour in enumerate((left, right)):
        seen = batch["images"][0, n].astype(int)
        assert np.abs(seen - colour).max() <= 3


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"rate_hz": 11025.0}, "sound at 800 Hz, the task expects 11025.0 Hz"),
        ({"channels": 2}, "has 1 channels, the task expects 2"),
        ({"n": 3}, "mixes 2 sources, the task 3"),
    ],
)
def test_a_dataset_that_does_not_fit_the_task(dataset, config, make_spec, change, text):
    pairs = make_pairs(dataset, "validation", PairRule.PUBLISHED)
    with pytest.raises(DataError, match=text):
        pair_batches(dataset, make_spec(**change), config, pairs, 4)


def test_entries_that_the_loader_does_not_know(dataset, config, make_spec):
    spec = make_spec()
    with pytest.raises(DataError, match="reads 'depth', which no clip holds"):
        train_batches(dataset, {**spec, "depth": spec["gain"]}, config, seed=0)
    del spec["audio"]
    with pytest.raises(DataError, match="reads no audio"):
        train_batches(dataset, spec, config, seed=0)


def test_only_what_the_task_reads_is_made(dataset, config, make_spec):
    spec = make_spec()
    less = {name: spec[name] for name in ("audio", "class_id")}
    (batch,) = first(train_batches(dataset, less, config, seed=0), 1)
    (whole,) = first(train_batches(dataset, spec, config, seed=0), 1)
    assert batch.keys() == less.keys()
    np.testing.assert_array_equal(batch["class_id"], whole["class_id"])


class Cut(tiny.TinyClip):
    """A clip whose pictures, but the first, are cut off."""

    def load(self):
        clip = super().load()
        images = [clip.images[0], *(file[:200] for file in clip.images[1:])]
        return dataclasses.replace(clip, images=images)


@pytest.mark.parametrize(
    ("threads", "workers"),
    [(0, 0), (2, 0), pytest.param(1, 1, marks=pytest.mark.slow)],
)
def test_a_damaged_clip_is_named(tmp_path, config, make_spec, threads, workers):
    tiny.build(tmp_path, {"train": [Cut(5, 9.0, ("bell",))]})
    dataset = open_dataset(tmp_path, "tiny_clips")
    config.num_threads, config.num_workers = threads, workers
    batches = train_batches(dataset, make_spec(), config, seed=0)
    with pytest.raises(DataError, match=r"^clip 'clip5': a picture cannot be decoded"):
        next(batches)


def test_a_clip_that_is_slow_to_read_is_named(
    dataset, config, make_spec, monkeypatch, caplog
):
    config.num_threads = 0
    now_s = iter(range(0, 1000, 3))
    monkeypatch.setattr(loader, "clock_s", lambda: float(next(now_s)))
    batches = train_batches(dataset, make_spec(), config, seed=0)
    with caplog.at_level("WARNING", "absl"):
        next(batches)
        assert not caplog.records  # three seconds each
        now_s = iter(range(0, 1000, 7))
        next(batches)
    assert re.match(r"clip 'clip\d' of .* took 7 s to read", caplog.messages[0])


@pytest.mark.slow
def test_workers_leave_an_interrupt_to_the_parent(dataset, config, make_spec):
    config.num_workers = 1
    batches = train_batches(dataset, make_spec(), config, seed=0)
    expected = [next(batches)["example_id"]]
    (worker,) = (p for p in multiprocessing.active_children() if p.is_alive())
    for _ in range(5):
        os.kill(worker.pid, signal.SIGINT)
        expected.append(next(batches)["example_id"])
    assert worker.is_alive()
    ids = np.concatenate(expected)
    np.testing.assert_array_equal(ids, np.arange(len(ids)))
    batches.close()


def test_workers_need_the_flags_of_absl(dataset, config, make_spec):
    config.num_workers = 1
    flags.FLAGS.unparse_flags()
    try:
        with pytest.raises(ConfigError, match="needs the flags of absl"):
            train_batches(dataset, make_spec(), config, seed=0)
    finally:
        flags.FLAGS.mark_as_parsed()


def test_a_specification_that_contradicts_itself(dataset, config, make_spec):
    spec = make_spec()
    spec["gain"] = dataclasses.replace(spec["gain"], shape=(2, 1))
    with pytest.raises(ShapeError, match=r"task's gain has shape \[2, 1\], expected"):
        train_batches(dataset, spec, config, seed=0)
    spec["gain"] = dataclasses.replace(spec["gain"], shape=(2,), dtype="float64")
    with pytest.raises(DataError, match="'gain' as float64, the loader gives float32"):
        train_batches(dataset, spec, config, seed=0)


def test_a_control_shows_each_source_the_pictures_of_the_one_before(
    dataset, config, make_spec
):
    for n, split in [(2, "validation"), (2, "duets"), (3, "validation")]:
        rule = PairRule.DUET if split == "duets" else PairRule.CLASS_DISTINCT
        pairs = make_pairs(dataset, split, rule, n, 2)
        plain, control = (
            first(
                pair_batches(
                    dataset, make_spec(n=n), config, pairs, 2, swaps_images=swaps
                ),
                1,
            )[0]
            for swaps in (False, True)
        )
        rolled = np.roll(plain.pop("images"), 1, axis=1)
        np.testing.assert_array_equal(control.pop("images"), rolled)
        assert_equal(plain, control)
