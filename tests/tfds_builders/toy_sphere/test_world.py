import collections
import dataclasses
import itertools

import numpy as np
import pytest
from scipy import stats

from spatialjax.errors import ConfigError
from tfds_builders.instruments import CLASSES
from tfds_builders.toy_sphere.world import SPLITS, World, plan_clip

WORLD = World()


@pytest.fixture(scope="module")
def plans():
    return {split: [plan_clip(WORLD, split, i) for i in range(160)] for split in SPLITS}


def test_a_plan_depends_on_seed_split_and_index_alone(plans):
    back = [plan_clip(WORLD, "train", i) for i in reversed(range(8))]
    assert back[::-1] == plans["train"][:8]
    other = World(train=3, image_height=32, image_rate_hz=5.0, order=3)
    assert plan_clip(other, "train", 3) == plans["train"][3]


def test_seeds_splits_and_indices_give_different_clips(plans):
    found = [plan_clip(World(seed=1), split, 0) for split in SPLITS]
    found += [plan for split in SPLITS for plan in plans[split][:2]]
    for part in ("notes", "paints", "path"):
        assert len({getattr(p.players[0], part) for p in found}) == len(found)


def test_players_of_a_clip_are_of_different_classes(plans):
    for plan in itertools.chain(*plans.values()):
        ids = [player.class_id for player in plan.players]
        assert len(set(ids)) == len(ids) <= 4
        names = "-".join(CLASSES[source.class_id] for source in plan.sources)
        assert plan.clip_id.split("-", 2)[2] == names


def test_numbers_of_sources_and_decoys(plans):
    counts = {
        split: collections.Counter(
            (len(plan.sources), len(plan.players) - len(plan.sources))
            for plan in plans[split]
        )
        for split in SPLITS
    }
    one_two_three = {(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (3, 0), (3, 1)}
    assert set(counts["train"]) == set(counts["validation"]) == one_two_three
    assert set(counts["test_1"]) == {(1, 1)}
    assert set(counts["test_2"]) == {(2, 0), (2, 1), (2, 2)}
    assert set(counts["test_3"]) == {(3, 0), (3, 1)}
    sources = collections.Counter(n for n, _ in counts["train"].elements())
    assert min(sources[n] for n in (1, 2, 3)) > 35


def test_classes_of_single_sources_are_balanced(plans):
    ids = [plan.sources[0].class_id for plan in plans["test_1"]]
    assert set(collections.Counter(ids).values()) == {20}
    decoys = {plan.players[1].class_id for plan in plans["test_1"]}
    assert decoys == set(range(8))


@pytest.mark.parametrize(
    "measure",
    [
        lambda player: player.path.speed_rad_s,
        lambda player: player.path.period_s,
        lambda player: player.path.azimuth_rad,
        lambda player: player.path.elevation_rad,
        lambda player: player.size_rad,
        lambda player: sum(player.paints.body),
    ],
    ids=["speed", "period", "azimuth", "elevation", "size", "brightness"],
)
def test_sources_and_decoys_have_the_same_statistics(plans, measure):
    """Over 160 clips with one of each, so that the number of players is the same."""
    sources, decoys = np.array(
        [[measure(player) for player in plan.players] for plan in plans["test_1"]]
    ).T
    assert stats.ks_2samp(sources, decoys).pvalue > 0.01


def test_the_hard_world_differs_in_its_colours_alone(plans):
    hard = dataclasses.replace(WORLD, colour_tells_class=False)
    for index, easy in enumerate(plans["train"][:8]):
        found = plan_clip(hard, "train", index)
        assert found != easy
        players = [
            dataclasses.replace(mine, paints=theirs.paints)
            for mine, theirs in zip(found.players, easy.players, strict=True)
        ]
        assert dataclasses.replace(found, players=tuple(players)) == easy


def hue_accuracy(world, num_train=120):
    """Share of players whose class is that of the nearest mean hue."""
    players = [p for i in range(160) for p in plan_clip(world, "train", i).players]
    ids = np.array([player.class_id for player in players])
    hues = np.array([player.paints.body for player in players], float)
    hues -= hues.mean(1, keepdims=True)
    hues /= np.linalg.norm(hues, axis=1, keepdims=True)
    means = np.stack([hues[:num_train][ids[:num_train] == c].mean(0) for c in range(8)])
    return np.mean((hues[num_train:] @ means.T).argmax(1) == ids[num_train:])


def test_colour_tells_the_class_in_the_easy_world_alone():
    assert hue_accuracy(WORLD) > 0.9
    assert hue_accuracy(dataclasses.replace(WORLD, colour_tells_class=False)) < 0.25


def test_pictures_do_not_outlast_the_sound():
    for seconds in (1.0, 1.04, 1.06, 2.95, 3.0):
        world = World(seconds=seconds)
        assert len(world.image_times_s) == world.num_images
        last_s = world.image_times_s[-1]
        assert seconds - 0.1 <= last_s < world.num_samples / world.sample_rate_hz


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("train", -1),
        ("seconds", 0.5),
        ("seconds", float("nan")),
        ("image_height", 8),
        ("sample_rate_hz", 10),
        ("order", -1),
    ],
)
def test_values_out_of_range_are_refused(field, value):
    with pytest.raises(ConfigError, match=f"{field} is {value}"):
        World(**{field: value}).validate()
    World().validate()
