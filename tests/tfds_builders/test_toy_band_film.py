"""A duet as a film."""

import numpy as np
import pytest

from spatialjax.media import probe, read_audio
from tfds_builders.toy_band.clip import render
from tfds_builders.toy_band.film import write_duet
from tfds_builders.toy_band.world import World, plan_clip


def test_a_film_of_both_instruments(tmp_path):
    write_duet(tmp_path / "duet.mp4", 3)
    info = probe(tmp_path / "duet.mp4")
    (video,) = info.video
    assert (video.height, video.width, video.image_rate_hz) == (288, 576, 24.0)
    assert info.duration_s == pytest.approx(6.0, abs=0.2)
    world = World()
    audio, *_ = render(plan_clip(world, "duets", 3), world)
    expected = 0.5 * audio.sum((0, 1)) / 2.0**15
    found = read_audio(tmp_path / "duet.mp4", 11025).samples[0] / 2.0**15
    assert 0.1 < np.abs(found).max() < 1
    parts = np.abs(np.fft.rfft(found[:66150])), np.abs(np.fft.rfft(expected[:66150]))
    assert np.corrcoef(*parts)[0, 1] > 0.99
