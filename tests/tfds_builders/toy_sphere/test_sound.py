import dataclasses
import itertools

import numpy as np
import pytest
from scipy import signal

from tfds_builders.instruments import render_part
from tfds_builders.toy_sphere.motion import Path
from tfds_builders.toy_sphere.sound import GAIN, render_field
from tfds_builders.toy_sphere.world import SPLITS, World, plan_clip

WORLD = World(seconds=2.0)


def alone(plan, player):
    """The plan with this player only."""
    return dataclasses.replace(plan, players=(player,))


@pytest.fixture(scope="module")
def plans():
    return [plan_clip(WORLD, split, i) for split in SPLITS for i in range(3)]


def test_a_source_at_rest_is_its_sound_times_w_y_z_x():
    plan = plan_clip(WORLD, "test_1", 0)
    still = Path(0.7, -0.4, 0.0, 0.0, 5.0, 0.0)
    source = dataclasses.replace(plan.sources[0], path=still)
    sound = render_part(source, WORLD.num_samples, WORLD.sample_rate_hz)
    x, y, z = np.cos(0.7) * np.cos(0.4), np.sin(0.7) * np.cos(0.4), -np.sin(0.4)
    expected = GAIN * np.array([[1.0], [y], [z], [x]]) * sound
    found = render_field(alone(plan, source), WORLD)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_moving_source_is_a_plane_wave_from_where_it_is_at_every_sample():
    path = Path(-2.0, 0.3, 1.0, np.radians(30.0), 4.0, 0.5)
    plan = plan_clip(WORLD, "test_1", 1)
    source = dataclasses.replace(plan.sources[0], path=path)
    w, y, z, x = render_field(alone(plan, source), WORLD)
    np.testing.assert_allclose(x**2 + y**2 + z**2, w**2, atol=1e-12)
    loud = np.abs(w) > 0.01
    time_s = np.arange(WORLD.num_samples)[loud] / WORLD.sample_rate_hz
    found = np.stack([x, y, z], -1)[loud] / w[loud, None]
    np.testing.assert_allclose(found, path.directions(time_s), atol=1e-9)


def test_fields_add_up_and_decoys_are_silent(plans):
    for plan in plans:
        parts = [render_field(alone(plan, source), WORLD) for source in plan.sources]
        np.testing.assert_allclose(render_field(plan, WORLD), sum(parts), atol=1e-12)
        for player in plan.players:
            if not player.sounds:
                assert not render_field(alone(plan, player), WORLD).any()


def test_uncorrelated_plane_waves_have_as_much_power_in_w_as_in_x_y_z(plans):
    for plan in plans:
        w, *xyz = np.mean(render_field(plan, WORLD) ** 2, -1)
        assert sum(xyz) == pytest.approx(w, rel=0.15)


def test_nothing_clips(plans):
    assert 3 * 0.49 * GAIN < 1.0
    peaks = [np.abs(render_field(plan, WORLD)).max() for plan in plans]
    assert 0.2 < max(peaks) < 1.0


def test_a_higher_order_adds_channels_and_keeps_the_first():
    plan = plan_clip(WORLD, "test_1", 0)
    first = render_field(plan, WORLD)
    third = render_field(plan, dataclasses.replace(WORLD, order=3))
    assert third.shape == (16, WORLD.num_samples)
    np.testing.assert_allclose(third[:4], first, atol=1e-12)
    for degree in (2, 3):
        power = np.sum(third[degree**2 : (degree + 1) ** 2] ** 2, 0)
        np.testing.assert_allclose(power, first[0] ** 2, atol=1e-12)


def si_sdr_db(estimate, source):
    target = (estimate @ source) / (source @ source) * source
    return 10 * np.log10((target @ target) / np.sum((estimate - target) ** 2))


def test_sources_can_be_told_apart_by_their_spectra():
    """An ideal binary mask on W finds each of two sources of the same clip."""
    gains_db = []
    for index, order in itertools.product(range(8), (1, -1)):
        plan = plan_clip(WORLD, "test_2", index)
        source, other = [
            render_part(part, WORLD.num_samples, 16000) for part in plan.sources
        ][::order]
        settings = {"nperseg": 1024, "noverlap": 768}
        spectra = [signal.stft(s, **settings)[2] for s in (source, other)]
        mask = np.abs(spectra[0]) > np.abs(spectra[1])
        estimate = signal.istft(mask * (spectra[0] + spectra[1]), **settings)[1]
        estimate = estimate[: len(source)]
        gains_db.append(si_sdr_db(estimate, source) - si_sdr_db(source + other, source))
    assert np.mean(gains_db) > 15.0
    assert min(gains_db) > 5.0
