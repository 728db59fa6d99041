"""A source painted and encoded at one place is found there at every station."""

import av
import jax
import numpy as np
import pytest
import soundfile

from spatialjax.ambisonics import angles_to_direction, equirect_grid, intensity
from spatialjax.audio import pcm16_to_float
from spatialjax.data import DataConfig, open_dataset, train_batches
from spatialjax.inference import (
    FieldModel,
    FieldOutputs,
    open_field_source,
    spatialize_file,
)
from spatialjax.media import SoundField, SphericalPicture, read_spatial_metadata
from spatialjax.reports.energy_overlay import write_energy_overlay
from spatialjax.tasks import SpatialAudioConfig
from spatialjax.tasks.base import Variables
from spatialjax.tasks.field_augmentation import augment_field
from tests.inference.field_fakes import constant, directional
from tests.media.make import write_video
from tests.media.make_spatial import read_sound
from tests.tasks.spatial_audio_toy import KEY, measure, plane_wave, predict
from tfds_builders.ambix_video import AmbixVideo

RATE_HZ = 8000
HEIGHT = 64
SECONDS = 3.0
ANGLES_RAD = np.radians([110.0, 25.0])
DIRECTION = angles_to_direction(*ANGLES_RAD)
FRONT = np.array([1.0, 0.0, 0.0])
GAINS = tuple(plane_wave(np.ones(1), *ANGLES_RAD)[1:, 0].tolist())


def painting():
    """A white disc of 10 degrees on a dark wall."""
    grid = equirect_grid(HEIGHT, 2 * HEIGHT)
    is_near = grid.direction @ DIRECTION > np.cos(np.radians(10.0))
    picture = np.where(is_near.reshape(HEIGHT, -1, 1), 240, 40)
    return np.broadcast_to(picture, (HEIGHT, 2 * HEIGHT, 3)).astype(np.uint8)


def centroid(amount):
    """The direction in the middle of an amount on a picture [h, w]."""
    grid = equirect_grid(*amount.shape)
    vector = (amount.reshape(-1) * grid.weight) @ grid.direction
    return vector / np.linalg.norm(vector)


def painted(picture):
    """Where a picture [h, w, 3] is bright."""
    return centroid(np.asarray(picture, np.float64).mean(-1) > 140)


def coloured(picture):
    """Where a picture [h, w, 3] is most colourful."""
    colour = np.ptp(np.asarray(picture, np.float64), axis=-1)
    return centroid(colour > 0.6 * colour.max())


def sounding(signals):
    """Where a field [c, t] comes from."""
    vector = np.asarray(intensity(np.asarray(signals, np.float32)))
    return vector / np.linalg.norm(vector)


def apart_deg(one, other):
    return np.degrees(np.arccos(np.clip(one @ other, -1, 1)))


def pictures_of(film):
    with av.open(str(film)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A film, its sound field beside it, and the same film with mono sound."""
    folder = tmp_path_factory.mktemp("recording")
    noise = 0.1 * np.random.default_rng(0).normal(size=round(SECONDS * RATE_HZ))
    field = plane_wave(noise, *ANGLES_RAD)
    pictures = [painting()] * round(10 * SECONDS)
    (folder / "pair").mkdir()
    write_video(folder / "pair" / "one.mp4", pictures, 10)
    soundfile.write(folder / "pair" / "one.wav", field.T, RATE_HZ)
    write_video(folder / "mono.mp4", pictures, 10, noise, RATE_HZ)
    return folder


@pytest.fixture(scope="module")
def batch(recording):
    """Windows of the recording, as a training would get them."""
    builder = AmbixVideo(
        data_dir=recording / "data",
        source=str(recording / "pair"),
        settings={"sample_rate_hz": RATE_HZ, "short_side": HEIGHT},
    )
    builder.download_and_prepare()
    dataset = open_dataset(recording / "data", "ambix_video")
    config = DataConfig(
        batch_size=8,
        image_spacing_s=0.2,
        centre_margin_s=0.0,
        image_scale=1.0,
        flip=False,
        num_threads=0,
        train_split=next(iter(dataset.splits)),
    )
    with_pictures = SpatialAudioConfig(
        **{**vars(directional()), "image_height": HEIGHT}
    )
    batches = train_batches(dataset, with_pictures.build().batch_spec, config, seed=0)
    found = next(batches)
    batches.close()
    return found


def test_in_the_dataset(batch):
    signals = pcm16_to_float(batch["audio"][:, 0])
    assert max(apart_deg(sounding(field), DIRECTION) for field in signals) < 0.5
    pictures = batch["images"].reshape(-1, HEIGHT, 2 * HEIGHT, 3)
    assert max(apart_deg(painted(picture), DIRECTION) for picture in pictures) < 2


def test_in_turned_and_mirrored_scenes(batch):
    signals, shown = augment_field(
        jax.random.key(0),
        batch["example_id"],
        pcm16_to_float(batch["audio"][:, 0]),
        {"images": batch["images"][:, 0]},
        turns=True,
        mirrors=True,
    )
    places = np.stack([sounding(field) for field in signals])
    for place, pictures in zip(places, shown["images"], strict=True):
        assert max(apart_deg(painted(picture), place) for picture in pictures) < 2
    moved_deg = [apart_deg(place, DIRECTION) for place in places]
    assert np.ptp(moved_deg) > 45


def test_in_the_scores(batch):
    batch = {**batch, "valid": np.ones(len(batch["valid"]), bool)}
    for gains, direction in ((GAINS, DIRECTION), ((0.0, 0.0, 1.0), FRONT)):
        task = directional().build().with_constant_gains(gains)
        outputs = predict(task, task.init(KEY), batch)
        scores = measure(task, outputs, batch)
        found_deg = np.asarray(scores["direction_deg"].value)
        np.testing.assert_allclose(found_deg, apart_deg(direction, DIRECTION), atol=1)
        is_there = direction is DIRECTION
        assert np.asarray(scores["within_20_deg"].value).all() == is_there
        assert (np.asarray(scores["emd"].value).max() < 0.01) == is_there


def test_in_the_film_and_its_overlay(recording):
    model = FieldModel(constant(GAINS).build(), Variables({}, {}), 0.1)
    source = open_field_source(recording / "mono.mp4")
    film, overlay = recording / "field.mp4", recording / "overlay.mp4"
    outputs = FieldOutputs(str(film), overlay=str(overlay))

    def write_overlay(path, source, field, start_s):
        write_energy_overlay(
            path, source.pictures, field, start_s=start_s, height=HEIGHT
        )

    spatialize_file(model, source, outputs, write_overlay=write_overlay)
    found = read_spatial_metadata(film)
    assert (found.picture, found.sound) == (SphericalPicture(), SoundField(1))
    _, signals, _ = read_sound(film)
    assert apart_deg(sounding(signals), DIRECTION) < 1
    assert max(apart_deg(painted(p), DIRECTION) for p in pictures_of(film)) < 2
    glow = pictures_of(overlay)[5:]
    assert max(apart_deg(coloured(picture), DIRECTION) for picture in glow) < 5
