"""Centres, samples and pictures of a window, against a plain statement of the rule."""

import dataclasses
import random

import numpy as np
import pytest

from spatialjax.data.clips import Clip
from spatialjax.data.windows import Window
from tests.data import tiny

PUBLISHED = Window(65535, 11025.0, 3, 3.0, 8.0)


def clip_of(num_images, image_rate_hz=8.0, rate_hz=11025):
    seconds = num_images / image_rate_hz
    return Clip("train", "x", 0, 1, int(seconds * rate_hz), num_images, image_rate_hz,
                256, 256, 1, (0,), None, "")  # fmt: skip


def test_the_published_rule():
    # Pictures counted from 1, 8 a second: margin 64, centre from 65 to count - 64 in
    # training and count // 2 in evaluation, pictures 24 apart.
    for count in (129, 130, 493, 4000):
        clip = clip_of(count)
        drawn = [PUBLISHED.drawn(clip, u) + 1 for u in np.linspace(0, 1, 9999)[:-1]]
        assert (min(drawn), max(drawn)) == (65, count - 64)
        centre = PUBLISHED.middle(clip) + 1
        assert centre == count // 2
        numbers = [i + 1 for i in PUBLISHED.image_indices(clip, centre - 1)]
        assert numbers == [centre - 24, centre, centre + 24]
        assert PUBLISHED.first_sample(clip, centre - 1) == (
            int((centre - 0.5) / 8 * 11025) - 32767
        )


def test_drawn_centres_are_uniform():
    clip = clip_of(140)
    rng = random.Random(0)
    counts = np.bincount([PUBLISHED.drawn(clip, rng.random()) for _ in range(12000)])
    np.testing.assert_allclose(counts[64:76], 1000, atol=120)
    assert counts[:64].sum() == 0
    assert len(counts) == 76


@pytest.mark.parametrize(
    ("count", "rate_hz", "low", "high"),
    [
        (128, 8.0, 24, 103),  # too short for the margin: what pictures and sound need
        (10, 1.0, 3, 6),
        (49, 8.0, 24, 24),
        (48, 8.0, 23, 23),  # too short for that, too: the middle
        (6, 1.0, 2, 2),
        (1, 8.0, 0, 0),
    ],
)
def test_short_clips(count, rate_hz, low, high):
    clip = clip_of(count, rate_hz)
    drawn = [PUBLISHED.drawn(clip, u) for u in np.linspace(0, 1, 999)[:-1]]
    assert (min(drawn), max(drawn)) == (low, high)
    for centre in (low, high):
        indices = PUBLISHED.image_indices(clip, centre)
        assert all(0 <= i < count for i in indices)
        assert indices[1] == centre


def test_one_picture_needs_no_spread_and_a_slow_rate_still_moves():
    one = dataclasses.replace(PUBLISHED, num_images=1, centre_margin_s=0.0)
    clip = clip_of(80)
    drawn = {one.drawn(clip, u) for u in np.linspace(0, 1, 999)[:-1]}
    assert (min(drawn), max(drawn)) == (0, 79)
    assert one.image_indices(clip, 7) == [7]
    close = dataclasses.replace(PUBLISHED, image_spacing_s=0.01)
    assert close.image_indices(clip, 40) == [39, 40, 41]
    assert dataclasses.replace(close, num_images=0).image_indices(clip, 40) == []


@pytest.mark.parametrize("centre", [0, 8, 16])
def test_sound_outside_the_clip_is_zero(dataset, media, centre):
    window = Window(2001, float(tiny.RATE_HZ), 3, 1.2, 0.0)
    clip, pcm = dataset.split("train")[0], media["train"][0].pcm
    audio, files, _ = window.read(dataset, clip, centre)
    middle = int((centre + 0.5) / tiny.IMAGE_RATE_HZ * tiny.RATE_HZ)
    expected = np.zeros((1, 1, 2001), np.int16)
    for j in range(2001):
        if 0 <= middle - 1000 + j < pcm.shape[-1]:
            expected[..., j] = pcm[..., middle - 1000 + j]
    np.testing.assert_array_equal(audio, expected)
    stored = list(media["train"][0].load().images)
    numbers = [min(max(centre + 3 * k, 0), 16) for k in (-1, 0, 1)]
    assert files == [stored[i] for i in numbers]


def test_a_clip_shorter_than_the_window_is_repeated(dataset, media):
    window = Window(2001, float(tiny.RATE_HZ), 1, 1.0, 0.0)
    clip, pcm = dataset.split("odd")[0], media["odd"][0].pcm
    audio, *_ = window.read(dataset, clip, 0)
    # As published: int(window / length) + 1 copies, then the window is placed.
    copies = np.concatenate([pcm] * (int(2001 / 480) + 1), axis=-1)
    first = int(0.5 / tiny.IMAGE_RATE_HZ * tiny.RATE_HZ) - 1000
    expected = np.zeros((1, 1, 2001), np.int16)
    expected[..., -first:] = copies[..., : 2001 + first]
    np.testing.assert_array_equal(audio, expected)


def test_a_silent_source_is_seen_and_its_sound_not_read(dataset, monkeypatch):
    window = Window(2001, float(tiny.RATE_HZ), 1, 1.0, 0.0)
    clip = dataset.split("train")[1]
    _, heard, _ = window.read(dataset, clip, 10)
    read = []
    original = dataset.read_segment
    monkeypatch.setattr(
        dataset, "read_segment", lambda c, s: read.append(s) or original(c, s)
    )
    audio, seen, _ = window.read(dataset, clip, 10, has_sound=False)
    assert audio.shape == (1, 1, 2001)
    assert not audio.any()
    assert seen == heard
    assert len(read) == 1


def test_picture_times_tell_what_stands_in_for_pictures_outside():
    window = dataclasses.replace(PUBLISHED, num_images=3, image_spacing_s=1.0)
    clip = clip_of(40)
    assert window.image_times_s(clip, 20).tolist() == [-1.0, 0.0, 1.0]
    assert window.image_times_s(clip, 4).tolist() == [-0.5, 0.0, 1.0]
    assert window.image_times_s(clip, 39).tolist() == [-1.0, 0.0, 0.0]


def test_b26_chunks_of_a_tenth_of_a_second_begin_at_whole_multiples():
    """Assertion B 26 of the sound fields: no truncation over an hour of chunks."""
    window = Window(52800, 48000.0, 1, 0.0, 0.0)
    clip = clip_of(36000, image_rate_hz=10.0, rate_hz=48000)
    firsts = [window.first_sample(clip, centre) for centre in range(36000)]
    assert firsts == [4800 * centre - 24000 for centre in range(36000)]
