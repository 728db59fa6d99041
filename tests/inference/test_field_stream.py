"""Sound fields of streams: any blocks, any batches, against float64."""

import dataclasses

import jax
import numpy as np
import pytest

from spatialjax.errors import ConfigError, ShapeError
from spatialjax.inference.field_model import FieldModel
from spatialjax.inference.field_stream import FieldStream, Seen
from spatialjax.tasks import FieldCompat
from spatialjax.tasks.base import Variables
from tests.fakes import FakeTask
from tests.inference.field_fakes import (
    AFTER,
    BEFORE,
    GAINS,
    HOP,
    N_FFT,
    NUM_FRAMES,
    RATE_HZ,
    ChunkTask,
    LevelTask,
    constant,
    directional,
    fake_model,
    level_at,
    look,
    model_of,
    published,
)

HALF = NUM_FRAMES // 2


def noise(total, seed=0):
    return np.random.default_rng(seed).normal(0, 0.2, total).astype(np.float32)


def field_of(stream, mono, cuts=(), look=look):
    """The field of a stream that comes in blocks, cut where it is told."""
    state, fields = stream.init(), []
    for block in np.split(mono, sorted(cuts)):
        state, field = stream.step(state, block, look)
        fields.append(field)
    fields.append(stream.finish(state, look))
    return np.concatenate(fields, 1)


def windows_of(total):
    return range(-(-(total + N_FFT // 2) // (HALF * HOP)))


def whole_field(mono):
    """In float64: the gains of each window, faded on the frames of the whole stream."""
    total, windows = len(mono), windows_of(len(mono))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    heard = (BEFORE + NUM_FRAMES + AFTER - 1) / 2 - BEFORE
    single = []
    for number in windows:
        middle_s = (number * HALF + heard) * HOP / RATE_HZ
        times_s = middle_s + 0.05 * np.arange(-1, 1)
        level = np.mean([level_at(t) for t in times_s]) / 255
        wave = np.sin(0.7 * np.arange(NUM_FRAMES)) + (times_s - middle_s + 0.001).sum()
        single.append(level * np.arange(1, 4)[:, None] + wave)
    share = (np.arange(HALF) + 0.5) / HALF
    rows = []
    for number in windows:
        now = single[number][:, :HALF]
        before = single[number - 1][:, HALF:] if number else now
        if number and total < (number + 1) * HALF * HOP:
            now = before
        rows.append(before * (1 - share) + now * share)
    gain = np.concatenate(rows, 1)
    padded = np.pad(mono.astype(np.float64), (N_FFT // 2, 4 * HALF * HOP))
    signal, weight = np.zeros((3, len(padded))), np.zeros(len(padded))
    for k in range(gain.shape[1]):
        place = slice(k * HOP, k * HOP + N_FFT)
        signal[:, place] += gain[:, k, None] * padded[place] * window**2
        weight[place] += window**2
    begin = slice(N_FFT // 2, N_FFT // 2 + total)
    return np.concatenate([mono[None], signal[:, begin] / weight[begin]])


@pytest.fixture(scope="module")
def streams():
    """Of batches of one window, of three on one device, and of eight on eight."""
    model = fake_model(LevelTask())
    return {size: FieldStream(model, size) for size in (1, 3, 8)}


@pytest.mark.parametrize("total", [1, 5, 31, 32, 33, 127, 128, 129, 255, 256, 1700])
@pytest.mark.parametrize("size", [1, 3, 8])
def test_b31_the_field_is_that_of_a_whole_spectrogram(streams, total, size):
    mono = noise(total, total)
    found = field_of(streams[size], mono)
    assert found.shape == (4, total)
    np.testing.assert_array_equal(found[0], mono)
    np.testing.assert_allclose(found, whole_field(mono), atol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_b31_blocks_of_any_lengths_give_the_same_field(streams, seed):
    """Streaming is offline, whatever the blocks and however many windows at once."""
    rng = np.random.default_rng(seed)
    mono = noise(2500, seed)
    cuts = rng.integers(0, 2500, rng.integers(1, 60))
    offline = field_of(streams[8], mono)
    np.testing.assert_allclose(field_of(streams[1], mono, cuts), offline, atol=1e-5)
    np.testing.assert_allclose(field_of(streams[3], mono, cuts), offline, atol=1e-5)


def test_b31_a_network_gives_the_same_field_for_any_blocks():
    def look(times_s):
        rng = np.random.default_rng(int(1000 * abs(times_s[0])))
        images = rng.integers(0, 255, (2, 16, 32, 3), np.uint8)
        flow = rng.normal(0, 2, (2, 16, 32, 2)).astype(np.float16)
        return Seen({"images": images, "flow": flow}, times_s)

    model, mono = model_of(directional(order=2, has_flow=True)), noise(6000)
    offline = field_of(FieldStream(model), mono, look=look)
    assert offline.shape == (9, 6000)
    assert np.abs(offline[1:]).max() > 1e-3
    cuts = np.random.default_rng(1).integers(0, 6000, 30)
    online = field_of(FieldStream(model, 1), mono, cuts, look)
    np.testing.assert_allclose(online, offline, atol=1e-5)


@pytest.mark.parametrize("total", [1, 19, 20, 199, 200, 201, 460])
def test_published_chunks_stand_in_a_row_ten_at_once(total):
    mono = noise(total, total)
    stream = FieldStream(fake_model(ChunkTask()), 1)
    num_chunks = -(-total // 20)
    heard = np.pad(mono, (12, 800))
    chunks = []
    for begin in range(0, num_chunks, 10):
        rows = np.zeros((10, 50))
        for row in range(min(10, num_chunks - begin)):
            start = (begin + row) * 20
            rows[row] = heard[start : start + 50]
        for row in range(10):
            level = level_at((begin + row) * 20 / RATE_HZ) / 255
            scale = level + np.abs(rows).mean()
            given = scale * (rows[row, 12:32] + rows[row, :20])
            chunks.append(given * np.arange(1, 4)[:, None])
    expected = np.concatenate([mono[None], np.concatenate(chunks, 1)[:, :total]])
    cuts = np.random.default_rng(total).integers(0, total, 5)
    np.testing.assert_allclose(field_of(stream, mono, cuts), expected, atol=1e-6)


@pytest.mark.slow
def test_the_published_network_serves_streams_and_chunks():
    """One network in both forms; the chunks are those of its task, ten at once."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (1, 16, 32, 3), np.uint8)
    mono = noise(12_000)

    def look(times_s):
        return Seen({"images": images}, times_s)

    config = published()
    found = field_of(FieldStream(model_of(config), 2), mono, [5000, 5001], look)
    np.testing.assert_array_equal(found[0], mono)
    assert 1e-6 < np.abs(found[1:]).max() < 1

    model = model_of(dataclasses.replace(config, compat=FieldCompat.SPATIALAUDIOGEN))
    found = field_of(FieldStream(model), mono, [700, 9000], look)
    heard = np.pad(mono, (24_000, 60_000))
    windows = [heard[4800 * i : 4800 * i + 52_799] for i in range(3)]
    rows = np.concatenate([windows, np.zeros((7, 52_799), np.float32)])
    shown = {"images": np.stack([images] * 10)}
    chunks = jax.jit(model.task.spatialize_chunks)(
        model.variables, rows, shown, np.arange(10) > 2
    )
    expected = np.concatenate(np.asarray(chunks)[:3], 1)[:, :12_000]
    np.testing.assert_allclose(found[1:], expected, atol=1e-6)


def test_constant_gains_give_the_stream_times_them():
    mono = noise(5000)
    found = field_of(FieldStream(model_of(constant())), mono, [77, 1900], look=None)
    np.testing.assert_array_equal(found[0], mono)
    expected = np.array(GAINS, np.float32)[:, None] * mono
    np.testing.assert_allclose(found[1:], expected, atol=1e-6)


def test_a_hop_of_half_a_frame_loses_nothing_at_the_ends():
    config = constant()
    config.hop = 128
    mono = noise(2000 + 127)
    found = field_of(FieldStream(model_of(config)), mono, look=None)
    np.testing.assert_allclose(found[1], GAINS[0] * mono, atol=1e-5)


def roughness(signal, borders):
    """The largest second difference near borders, over the largest one elsewhere."""
    steps = np.abs(np.diff(signal, 2))
    is_near = np.zeros(len(steps), bool)
    for border in borders:
        is_near[border - 3 : border + 2] = True
    return steps[is_near].max() / steps[~is_near].max()


def test_windows_meet_without_a_click(streams):
    """The field of a sine is as smooth where windows begin as it is elsewhere."""
    time_s = np.arange(4000) / RATE_HZ
    mono = (0.5 * np.sin(2 * np.pi * 443 * time_s)).astype(np.float32)
    field = field_of(streams[1], mono)[1]
    borders = np.arange(1, 4000 // (HALF * HOP)) * HALF * HOP
    for shift in (0, -N_FFT // 2):
        assert roughness(field, borders + shift) < 1.05
    levels = np.array([level_at(t / RATE_HZ) for t in range(4000)])[:, None] / 255
    switched = levels[:, 0] * mono
    assert roughness(switched, np.arange(800, 4000, 800)) > 2


def test_the_latency_is_what_the_slowest_sample_waits(streams):
    for size, stream in streams.items():
        state, given, slowest = stream.init(), 0, 0
        for number in range(3000):
            state, field = stream.step(state, np.zeros(1, np.float32), look)
            if field.shape[1]:
                slowest = max(slowest, number + 1 - given)
            given += field.shape[1]
        assert stream.latency_samples == slowest, size


def test_a_state_may_be_gone_back_to(streams):
    stream, mono = streams[1], noise(900)
    state, _ = stream.step(stream.init(), mono[:500], look)
    first, again = (stream.step(state, mono[500:], look)[1] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_an_empty_stream_has_an_empty_field(streams):
    assert field_of(streams[1], noise(0)).shape == (4, 0)


def test_what_cannot_be_joined_is_refused(streams):
    with pytest.raises(ConfigError, match="FakeTask makes no sound field"):
        FieldModel(FakeTask(), Variables({}, {}), 0.1)
    config = constant()
    config.num_frames = 15
    with pytest.raises(ConfigError, match="15 frames; windows are joined only where"):
        model_of(config)
    with pytest.raises(ConfigError, match="the model sees pictures, expected `look`"):
        streams[1].step(streams[1].init(), noise(8), None)
    with pytest.raises(ShapeError, match=r"times_s has shape \[3\], expected \[v\]"):
        field_of(streams[1], noise(8), look=lambda _: look(np.zeros(3)))
    narrow = {"images": np.zeros((2, 4, 7, 3), np.uint8)}
    with pytest.raises(ShapeError, match=r"images has shape \[2, 4, 7, 3\], expected"):
        field_of(streams[1], noise(8), look=lambda times_s: Seen(narrow, times_s))
    with pytest.raises(ConfigError, match="`look` gives no images, which the model"):
        field_of(streams[1], noise(8), look=lambda times_s: Seen({}, times_s))
    bright = {"images": np.ones((2, 4, 8, 3), np.float32)}
    with pytest.raises(ConfigError, match="images are float32, expected uint8"):
        field_of(streams[1], noise(8), look=lambda times_s: Seen(bright, times_s))
    with pytest.raises(ShapeError, match="block has shape"):
        streams[1].step(streams[1].init(), np.zeros((1, 8), np.float32), look)
