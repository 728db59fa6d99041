"""Objects as clusters of places that sound."""

import numpy as np
import pytest

from spatialjax.errors import DataError
from spatialjax.inference.objects import object_regions


def scene():
    """Sounds and energies of a loud and a soft object before a background."""
    rng = np.random.default_rng(0)
    sounds = rng.uniform(0, 0.05, (6, 10, 4))
    energy = np.full((6, 10), 1e-3)
    sounds[1:4, 1:4] += [3, 0, 0, 0]
    sounds[2:5, 6:9] += [0, 6, 0, 0]
    energy[1:4, 1:4], energy[2:5, 6:9] = 1.0, 4.0
    return sounds, energy


def test_two_objects_are_found_the_loudest_first():
    sounds, energy = scene()
    loud, soft = object_regions(sounds, energy, 2)
    assert (loud.name, soft.name) == ("object_1", "object_2")
    assert loud.places.tolist() == (energy == 4).tolist()
    assert soft.places.tolist() == (energy == 1).tolist()


def test_how_loud_a_place_is_does_not_part_it_from_its_object():
    sounds, energy = scene()
    sounds[1, 1] *= 0.3
    _, soft = object_regions(sounds, energy, 2)
    assert soft.places.tolist() == (energy == 1).tolist()


def test_the_result_is_always_the_same():
    sounds, energy = scene()
    first = [region.places for region in object_regions(sounds, energy, 3)]
    again = [region.places for region in object_regions(sounds, energy, 3)]
    assert np.array_equal(first, again)
    assert sum(places.astype(int) for places in first).max() == 1


def test_background_is_10_db_below_the_loudest_place():
    sounds = np.ones((1, 4, 1))
    energy = np.array([[1.0, 0.11, 0.09, 0.0]])
    (region,) = object_regions(sounds, energy, 1)
    assert region.places.tolist() == [[True, True, False, False]]


def test_silence_is_one_object_of_all_places():
    (region,) = object_regions(np.zeros((2, 3, 5)), np.zeros((2, 3)), 1)
    assert region.places.all()
    with pytest.raises(DataError, match="the film is silent, which tells no 2 objects"):
        object_regions(np.zeros((2, 3, 5)), np.zeros((2, 3)), 2)


def test_more_objects_than_places_that_differ_are_refused():
    with pytest.raises(
        DataError, match=r"3 objects are asked for.*1 places that sound"
    ):
        object_regions(np.ones((4, 4, 2)), np.ones((4, 4)), 3)


def test_as_many_objects_as_places_is_the_limit():
    sounds = np.stack([np.cos(np.arange(4)), np.sin(np.arange(4))], -1)
    regions = object_regions(sounds.reshape(2, 2, 2), np.ones((2, 2)), 4)
    assert sorted(region.places.sum() for region in regions) == [1, 1, 1, 1]
