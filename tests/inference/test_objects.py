"""Objects as clusters of places that sound."""

import numpy as np
import pytest

from spatialjax.errors import DataError
from spatialjax.inference.objects import object_regions, sounding_places


def scene():
    """Vectors and energies of a loud and a soft object before a background."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 0.05, (6, 10, 4))
    energy = np.full((6, 10), 1e-3)
    vectors[1:4, 1:4] += [3, 0, 0, 0]
    vectors[2:5, 6:9] += [0, 3, 0, 0]
    energy[1:4, 1:4], energy[2:5, 6:9] = 1.0, 4.0
    return vectors, energy


def test_two_objects_are_found_the_loudest_first():
    vectors, energy = scene()
    loud, soft = object_regions(vectors, energy, 2)
    assert (loud.name, soft.name) == ("object_1", "object_2")
    assert loud.places.tolist() == (energy == 4).tolist()
    assert soft.places.tolist() == (energy == 1).tolist()


def test_the_result_is_always_the_same():
    vectors, energy = scene()
    first = [region.places for region in object_regions(vectors, energy, 3)]
    again = [region.places for region in object_regions(vectors, energy, 3)]
    assert np.array_equal(first, again)
    assert sum(places.astype(int) for places in first).max() == 1


def test_background_is_the_lower_of_two_clusters_of_levels():
    _, energy = scene()
    assert sounding_places(energy).tolist() == (energy > 0.5).tolist()
    assert sounding_places(np.full((3, 3), 2.0)).all()
    assert sounding_places(np.zeros((3, 3))).all()


def test_more_objects_than_places_that_differ_are_refused():
    with pytest.raises(
        DataError, match=r"3 objects are asked for.*1 places that differ"
    ):
        object_regions(np.zeros((4, 4, 2)), np.ones((4, 4)), 3)


def test_as_many_objects_as_places_is_the_limit():
    vectors = np.arange(4.0).reshape(2, 2, 1)
    regions = object_regions(vectors, np.ones((2, 2)), 4)
    assert sorted(region.places.sum() for region in regions) == [1, 1, 1, 1]
