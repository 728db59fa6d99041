import dataclasses

import numpy as np
import pytest

from spatialjax.media import probe, read_audio
from tfds_builders.toy_sphere.film import FILM, SPLIT, true_field, write_scene
from tfds_builders.toy_sphere.world import plan_clip

WORLD = dataclasses.replace(FILM, seconds=2.0, image_height=64, image_rate_hz=12.0)


def test_a_film_whose_sound_is_w(tmp_path):
    write_scene(tmp_path / "scene.mp4", world=WORLD)
    info = probe(tmp_path / "scene.mp4")
    (video,) = info.video
    assert (video.height, video.width, video.image_rate_hz) == (64, 128, 12.0)
    assert info.duration_s == pytest.approx(2.0, abs=0.2)
    field = true_field(world=WORLD)
    assert (field.shape, field.dtype) == ((4, 32000), np.float32)
    found = read_audio(tmp_path / "scene.mp4", 16000).samples
    assert len(found) == 1
    parts = [np.abs(np.fft.rfft(s[:32000])) for s in (found[0], field[0])]
    assert np.corrcoef(*parts)[0, 1] > 0.99


def test_the_film_that_is_offered_has_two_sources_and_a_decoy():
    plan = plan_clip(FILM, SPLIT, 6)
    assert [player.sounds for player in plan.players] == [True, True, False]
    assert FILM.image_height == 256
