import jax
import numpy as np
import pytest

from spatialjax.media import decode_packed_flow, encode_packed_flow
from spatialjax.models import SpatialAudioGenSpec
from spatialjax.nn import EVAL
from spatialjax.tasks import Head
from spatialjax.tasks.field_nets import (
    ConstantNet,
    Perceived,
    scale_flow,
    see_as_published,
)
from tests.tasks.spatial_audio_toy import OF_PUBLISHED_HEAD, build, jit, scenes


def shown(rows=2):
    rng = np.random.default_rng(0)
    return {
        "images": rng.integers(0, 256, (rows, 1, 4, 8, 3)).astype(np.uint8),
        "flow": np.float16(3 * rng.normal(size=(rows, 1, 4, 8, 2))),
    }


def test_pictures_and_flow_as_the_published_network_sees_them():
    given = shown()
    images, flow = see_as_published(given, SpatialAudioGenSpec())
    np.testing.assert_allclose(images, given["images"] / 255 - 0.5, atol=1e-6)
    right, down = np.moveaxis(np.float64(given["flow"]), -1, 0)
    expected = np.stack([right, down, np.hypot(right, down)], -1)
    np.testing.assert_allclose(flow, expected, rtol=1e-5)


@pytest.mark.parametrize("streams", [(True, False), (False, True), (False, False)])
def test_only_what_is_wanted_is_looked_at(streams):
    spec = SpatialAudioGenSpec(has_video=streams[0], has_flow=streams[1])
    found = see_as_published(shown(), spec)
    assert tuple(given is not None for given in found) == streams


def test_the_sign_of_flow_is_that_of_the_published_files():
    """Motion by u and v is there decoded to -u and -v, and seen as it is."""
    motion = np.zeros((1, 1, 16, 32, 2))
    motion[..., 0], motion[..., 1] = 3, -2
    jpeg, limits = encode_packed_flow(np.float16(-motion[0, 0]))
    published = decode_packed_flow(jpeg, limits)
    spec = SpatialAudioGenSpec(has_video=False)
    _, flow = see_as_published({"flow": np.float16(-motion)}, spec)
    expected = np.broadcast_to([-3, 2, np.hypot(3, 2)], flow.shape)
    np.testing.assert_allclose(flow, expected, rtol=1e-6)
    np.testing.assert_allclose(published, flow[0, 0, ..., :2], atol=0.1)


def test_flow_counts_by_its_angle():
    """A pixel of 36 is ten degrees, and so are two of 72."""
    for width, pixels in ((36, 1), (72, 2)):
        flow = np.full((18, width, 2), pixels, np.float16)
        np.testing.assert_allclose(scale_flow(flow), 1, rtol=1e-6)


def test_constant_gains():
    net = ConstantNet((0.5, -1.0, 0.0))
    heard = Perceived(np.ones((2, 5, 7)), {}, None)
    field, state = net(net.init(jax.random.key(0)), heard, EVAL)
    assert state == {}
    assert field.offset is None
    assert field.gain.shape == (2, 3, 1, 1)
    np.testing.assert_array_equal(field.gain[..., 0, 0], [[0.5, -1, 0]] * 2)


@pytest.mark.parametrize(
    ("changes", "sees"),
    [
        ({}, {"images"}),
        ({"has_flow": True}, {"images", "flow"}),
        ({"head": Head.AUDIO_ONLY}, set()),
        ({**OF_PUBLISHED_HEAD, "has_flow": True}, {"images", "flow"}),
    ],
)
def test_a_net_looks_at_all_that_it_is_shown(changes, sees):
    task, variables = build(**changes)
    batch = scenes(task, rows=2)

    @jit
    def gain(seen):
        times_s = batch["image_time_s"][:, 0] if seen else None
        bins, frames = task.chain.n_fft // 2 + 1, task.chain.num_heard
        magnitude = 1 + np.arange(2.0 * bins * frames).reshape(2, bins, frames) % 7
        field, _ = task.net(variables, Perceived(magnitude, seen, times_s), EVAL)
        return field.gain

    plain = {n: batch[n][:, 0] for n in ("images", "flow") if n in batch}
    assert set(plain) == sees
    before = gain(plain)
    assert before.shape == (2, 3, task.chain.n_fft // 2 + 1, task.chain.num_frames)
    for name in sees:
        other = {**plain, name: plain[name][..., ::-1, :] // 2}
        assert np.abs(gain(other) - before).max() > 1e-6 * np.abs(before).max(), name
