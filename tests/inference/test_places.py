"""Energies and colours of places."""

import jax.numpy as jnp
import numpy as np

from spatialjax.inference.places import (
    Perceived,
    frames_per_map,
    hear_places,
    place_colours,
)
from spatialjax.tasks.base import Variables, WindowSpec
from tests.inference.fakes import ColourTask


def test_a_map_lasts_a_fifth_of_a_second_at_most():
    assert frames_per_map(WindowSpec(11025, 1022, 256, 256, 3, 224)) == 8
    assert frames_per_map(WindowSpec(11025, 1022, 256, 12, 3, 224)) == 2
    assert frames_per_map(WindowSpec(1000, 1022, 512, 256, 3, 224)) == 1


def test_energies_and_sounds_are_those_of_all_masks_at_once():
    rng = np.random.default_rng(0)
    task = ColourTask()
    places = jnp.asarray(rng.random((2, 3, 4, 3)), jnp.float32)
    heard = jnp.asarray(rng.random((2, 33, 32)), jnp.float32)
    perceived = Perceived(jnp.zeros(()), heard, heard, places)
    counts = jnp.asarray(rng.integers(0, 2, (2, 16)), jnp.float32)
    energy, sounds = hear_places(task, Variables({}, {}), perceived, counts)
    regions = np.eye(12, dtype=bool).reshape(12, 3, 4)
    query = task.query(places, regions)
    through = np.asarray(task.masks(None, heard, query) * heard[:, None], np.float64)
    expected = (through**2).sum(2).reshape(2, 3, 4, 2, 16).mean(-1)
    np.testing.assert_allclose(energy, expected, rtol=1e-5)
    logs = np.einsum("bnfk,bk->nf", np.log1p(through[..., :16]), counts)
    np.testing.assert_allclose(sounds, logs.reshape(3, 4, 33), rtol=1e-5)


def test_places_that_sound_alike_have_one_colour():
    rng = np.random.default_rng(1)
    kinds = rng.random((4, 50))
    which = rng.integers(0, 4, (5, 6))
    colours = place_colours(kinds[which])
    assert colours.shape == (5, 6, 3)
    assert colours.dtype == np.uint8
    found = {tuple(colours[which == kind].reshape(-1, 3)[0]) for kind in range(4)}
    assert len(found) == 4
    for kind in range(4):
        assert np.ptp(colours[which == kind].astype(int), axis=0).max() <= 1
    assert colours.reshape(-1, 3).min(0).tolist() == [0, 0, 0]
    assert colours.reshape(-1, 3).max(0).tolist() == [255, 255, 255]


def test_colours_follow_the_principal_components():
    """One line of sounds: red grows along it, and there is nothing else."""
    along = np.linspace(0, 1, 12).reshape(3, 4, 1) * np.array([1.0, 2.0, 0.5])
    colours = place_colours(along)
    expected = np.rint(255 * np.linspace(0, 1, 12)).reshape(3, 4)
    np.testing.assert_array_equal(colours[..., 0], expected)
    assert (colours[..., 1:] == 128).all()


def test_silence_is_grey():
    assert (place_colours(np.zeros((2, 3, 9), np.float32)) == 128).all()
