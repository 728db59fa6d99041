import collections

import numpy as np
import pytest

from spatialjax.errors import ConfigError
from tfds_builders.instruments import CLASSES, INSTRUMENTS
from tfds_builders.instruments.melody import REACH
from tfds_builders.toy_band.world import PAIRS, SPLITS, World, plan_clip

WORLD = World(seconds=4.0)


def test_a_plan_depends_on_seed_split_and_index_alone():
    forth = [plan_clip(WORLD, "train", i) for i in range(8)]
    back = [plan_clip(WORLD, "train", i) for i in reversed(range(8))]
    assert forth == back[::-1]
    longer = World(seconds=4.0, train=999, duets=0)
    assert plan_clip(longer, "train", 3) == forth[3]


def test_seeds_splits_and_indices_give_different_clips():
    plans = [
        plan_clip(World(seconds=4.0, seed=seed), split, index)
        for seed in (0, 1)
        for split in SPLITS
        for index in (0, 8)
    ]
    assert len({plan.parts[0].notes for plan in plans}) == len(plans)
    assert len({plan.parts[0].look for plan in plans}) == len(plans)
    assert len({plan.clip_id for plan in plans[:8]}) == 8


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_solos_are_balanced_over_classes(split):
    plans = [plan_clip(WORLD, split, i) for i in range(WORLD.num_clips(split))]
    counts = collections.Counter(plan.parts[0].class_id for plan in plans)
    assert counts == dict.fromkeys(range(len(CLASSES)), getattr(WORLD, split))
    assert all(len(plan.parts) == 1 for plan in plans)


def test_duets_go_round_all_pairs_of_different_classes():
    plans = [plan_clip(WORLD, "duets", i) for i in range(len(PAIRS))]
    pairs = {tuple(sorted(part.class_id for part in plan.parts)) for plan in plans}
    assert pairs == set(PAIRS)
    assert WORLD.num_clips("duets") == 64
    first = [plan.parts[0].class_id < plan.parts[1].class_id for plan in plans]
    assert 0.2 < np.mean(first) < 0.8


def test_notes_keep_to_the_register_and_rests_are_short():
    for index in range(16):
        (part,) = plan_clip(WORLD, "train", index).parts
        pitches = np.array([note.midi for note in part.notes])
        assert np.abs(pitches - part.instrument.centre_midi).max() <= REACH
        assert len(set(pitches)) > 1
        assert part.notes[0].onset_s <= 0.0
        ends = [note.onset_s + note.duration_s for note in part.notes]
        gaps = np.array([n.onset_s for n in part.notes[1:]]) - ends[:-1]
        assert gaps.min() > -1e-9
        assert gaps.max() <= 0.36
        assert ends[-1] >= WORLD.seconds - 0.36


def test_registers_of_neighbours_overlap():
    centres = sorted(instrument.centre_midi for instrument in INSTRUMENTS)
    assert np.diff(centres).max() <= 2 * REACH - 4.0  # four semitones in common


def test_pictures_do_not_outlast_the_sound():
    for seconds in (1.0, 1.05, 1.07, 2.9375, 6.0):
        world = World(seconds=seconds)
        last_s = (world.num_images - 0.5) / world.image_rate_hz
        assert last_s < world.num_samples / world.sample_rate_hz
        assert last_s >= seconds - 1.0 / world.image_rate_hz


@pytest.mark.parametrize(
    ("field", "value"),
    [("train", -1), ("seconds", 0.5), ("image_size", 8), ("sample_rate_hz", 10)],
)
def test_values_out_of_range_are_refused(field, value):
    with pytest.raises(ConfigError, match=f"{field} is {value}"):
        World(**{field: value}).validate()
    World().validate()
