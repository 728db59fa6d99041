import dataclasses

import pytest

from spatialjax.audio import StftMethod
from spatialjax.config import from_json, to_json, validate_tree
from spatialjax.errors import ConfigError
from spatialjax.models.spatialaudiogen_chain import WINDOW_SAMPLES
from spatialjax.tasks import (
    ChunkSpatializer,
    DirectionalConfig,
    FieldLossConfig,
    Head,
    HostScored,
    PublishedConfig,
    PublishedSpatialAudio,
    SpatialAudio,
    SpatialAudioConfig,
    Spatializer,
    Trainable,
)
from tests.tasks.spatial_audio_toy import (
    DIRECTIONAL,
    OF_COMPAT,
    OF_PUBLISHED_HEAD,
    small_config,
)


def directional(**changes):
    return {"directional": dataclasses.replace(DIRECTIONAL, **changes)}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"order": 0}, "order is 0; give at least 1"),
        ({"sample_rate_hz": 0}, "sample_rate_hz is 0"),
        ({"n_fft": 0}, "n_fft is 0"),
        ({"hop": 0}, "hop is 0"),
        ({"num_frames": 0}, "num_frames is 0"),
        ({"num_images": 0}, "num_images is 0"),
        ({"image_height": 0}, "image_height is 0"),
        ({"n_fft": 127}, "even n_fft"),
        ({"hop": 65}, "a hop of at most half of it"),
        ({"num_compared": 799}, "at least the 800 that"),
        ({"num_compared": 961}, "16 frames hold, 960"),
        ({"compute_dtype": "float16"}, "float32 or bfloat16"),
        ({"num_frames": 14}, "num_frames is 14; sound_downs 2 needs a multiple of 4"),
        (directional(num_rows=18), "num_rows is 18"),
        (directional(sound_downs=1), "sound_downs is 1; give 2 to 10"),
        (directional(sound_downs=20_000), "sound_downs is 20000; give 2 to 10"),
        (directional(profile_width=0), "profile_width is 0"),
        (directional(sound_width=0), "sound_width is 0"),
        (directional(picture_strided=(4, 0)), r"picture_strided is \(4, 0\)"),
        (directional(picture_kept=(0,)), r"picture_kept is \(0,\)"),
        ({"image_height": 9}, "a multiple of 2, at least 4"),
        ({"image_height": 2}, "a multiple of 2, at least 4"),
        ({"has_video": False}, "head directional looks for places"),
        ({"head": Head.AUDIO_ONLY, "num_frames": 18}, "num_frames is 18"),
        ({"head": Head.CONSTANT, "constant_gains": (1.0,)}, "has 1 values; give 3"),
        (
            {"head": Head.CONSTANT, "order": 2, "constant_gains": (0.0,) * 3},
            "has 3 values; give 8",
        ),
        ({"loss": FieldLossConfig(spectrum=-1.0)}, "spectrum is -1"),
        ({"loss": FieldLossConfig(intensity=float("inf"))}, "intensity is inf"),
        ({"loss": FieldLossConfig(0.0, looks=0.0)}, "of the head directional are 0"),
        (
            {"loss": FieldLossConfig(0.0), "head": Head.AUDIO_ONLY},
            r"audio_only are 0 \(spectrum, multi_resolution, energy_map, intensity\)",
        ),
        ({**OF_PUBLISHED_HEAD, "n_fft": 2048}, "1024, 256, 32, not 2048, 256, 32"),
        ({**OF_PUBLISHED_HEAD, "num_frames": 64}, "1024, 256, 32, not 1024, 256, 64"),
        ({**OF_PUBLISHED_HEAD, "num_images": 2}, "takes 1, or 3 for one at each"),
        ({**OF_PUBLISHED_HEAD, "num_compared": 1500}, "at least the 2400 that"),
        (
            {**OF_PUBLISHED_HEAD, "published": PublishedConfig(audio_units=0)},
            "audio_units is 0",
        ),
        ({**OF_COMPAT, "num_images": 3}, "compat spatialaudiogen takes 1"),
        ({**OF_COMPAT, "head": Head.DIRECTIONAL}, "is of the head published, not of d"),
        ({**OF_COMPAT, "sample_rate_hz": 192000}, "at least the 9600 that"),
    ],
)
def test_what_cannot_be_trained_is_refused(changes, says):
    config = small_config(**changes)
    with pytest.raises(ConfigError, match=says) as caught:
        validate_tree(config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"head": Head.AUDIO_ONLY},
        {"head": Head.CONSTANT, "constant_gains": (0.5, 0.0, -0.25)},
        {**OF_PUBLISHED_HEAD, "num_images": 3, "has_flow": True},
        OF_COMPAT,
        {"order": 3, "loss": FieldLossConfig(0.0, 1.0, 0.5, 0.25)},
    ],
)
def test_it_reloads_equal_and_builds_the_same_task(changes):
    config = small_config(**changes)
    reloaded = from_json(to_json(config))
    assert reloaded == config
    assert reloaded.build() == config.build()


def test_the_defaults_can_be_trained():
    config = SpatialAudioConfig()
    validate_tree(config)
    spec = config.build().batch_spec
    assert spec["audio"].shape == (1, 4, 31 * 512 + 2048)
    assert spec["audio"].rate_hz == 48000
    assert spec["images"].shape == (1, 1, 224, 448, 3)
    assert spec["image_time_s"].shape == (1, 1)
    assert spec["channel_mask"].shape == (1, 4)
    assert "flow" not in spec


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({}, {"images", "image_time_s"}),
        ({"has_flow": True}, {"images", "flow", "image_time_s"}),
        ({"head": Head.AUDIO_ONLY, "has_flow": True}, set()),
        ({"head": Head.CONSTANT}, set()),
        (
            {**OF_PUBLISHED_HEAD, "has_video": False, "has_flow": True},
            {"flow", "image_time_s"},
        ),
        ({**OF_PUBLISHED_HEAD, "has_video": False}, set()),
        ({**OF_COMPAT, "has_flow": True}, {"images", "flow"}),
        ({**OF_COMPAT, "has_video": False}, set()),
    ],
)
def test_the_batch_holds_what_the_head_sees(changes, seen):
    spec = small_config(**changes).build().batch_spec
    assert set(spec) == {"audio", "channel_mask", "example_id", "valid"} | seen
    if "flow" in spec:
        assert spec["flow"].shape == (1, changes.get("num_images", 2), 8, 16, 2)
        assert spec["flow"].dtype == "float16"


def test_what_the_tasks_can_do():
    native, compat = (small_config(**c).build() for c in (OF_PUBLISHED_HEAD, OF_COMPAT))
    assert isinstance(native, SpatialAudio)
    assert isinstance(native, Spatializer)
    assert isinstance(compat, PublishedSpatialAudio)
    assert isinstance(compat, ChunkSpatializer)
    assert not isinstance(compat, Spatializer)
    for task in (native, compat):
        assert isinstance(task, Trainable)
        assert isinstance(task, HostScored)


def test_the_published_head_hears_the_frames_around_its_own():
    task = small_config(**OF_PUBLISHED_HEAD).build()
    spec = task.field_spec
    assert (spec.before, spec.num_frames, spec.after) == (47, 32, 48)
    assert task.batch_spec["audio"].shape[-1] == 126 * 256 + 1024
    chunk = small_config(**OF_COMPAT).build()
    # One more than is heard, so that its middle is that of the chunk.
    num_samples = chunk.batch_spec["audio"].shape[-1]
    assert num_samples == WINDOW_SAMPLES + 1
    spec = chunk.chunk_spec
    assert spec.num_samples == WINDOW_SAMPLES
    assert num_samples // 2 == spec.start + spec.num_given // 2


def test_settings_reach_the_networks():
    task = small_config(
        has_flow=True, order=2, compute_dtype="bfloat16", stft_method=StftMethod.MATMUL
    ).build()
    spec = task.net.model.config
    assert (spec.order, spec.has_flow, spec.num_features) == (2, True, 4)
    assert spec.compute_dtype == "bfloat16"
    assert task.chain.method is StftMethod.MATMUL
    spec = small_config(**OF_COMPAT, order=2, has_flow=True).build().spec
    assert (spec.num_outputs, spec.num_tracks, spec.image_size) == (8, 2, (8, 16))
    assert spec.streams == ("video", "flow")
    sound = small_config(head=Head.AUDIO_ONLY, order=2).build().net.model.config
    assert (sound.order, sound.num_rows) == (2, 16)
    own = DirectionalConfig(num_features=7, sound_downs=2, num_rows=16)
    big = small_config(directional=own, image_height=16).build()
    assert big.net.model.config.num_features == 7
