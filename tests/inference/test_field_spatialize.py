"""From a file of sound and pictures to a sound field and all that is made of it."""

import numpy as np
import pytest
import soundfile
from PIL import Image

from spatialjax.errors import ConfigError, MediaError
from spatialjax.inference import (
    FieldModel,
    FieldOutputs,
    open_field_source,
    spatialize_file,
    task_of_order,
)
from spatialjax.tasks.base import Variables
from tests.inference.fakes import halves
from tests.inference.field_fakes import (
    GAINS,
    RATE_HZ,
    LevelTask,
    constant,
    directional,
    fake_model,
    model_of,
)
from tests.media.make import tone, write_sound, write_video
from tests.media.make_spatial import read_sound


def noise(total, channels=1):
    sound = np.random.default_rng(0).normal(0, 0.1, (channels, total))
    return sound.astype(np.float32)


def write_film(path, sound, rate_hz=RATE_HZ, **options):
    pictures = [halves()] * max(2, round(10 * sound.shape[1] / rate_hz))
    options |= {"sound_codec": "pcm_f32le"} if path.suffix == ".mkv" else {}
    write_video(path, pictures, 10, sound.T, rate_hz, **options)
    return path


def read(path):
    return soundfile.read(path, always_2d=True, dtype="float32")[0].T


def spatialize(model, path, output, image=None, **outputs):
    """The lines that are told."""
    told = []
    outputs = FieldOutputs(str(output), **outputs)
    is_seen = outputs.has_pictures or model.geometry.num_images > 0
    source = open_field_source(path, image, is_seen=is_seen)
    spatialize_file(model, source, outputs, tell=told.append)
    return told


@pytest.fixture(scope="module")
def model():
    return model_of(constant())


@pytest.mark.parametrize("total", [1, 700, 24000 + 7])
def test_constant_gains_give_the_sound_times_them(tmp_path, model, total):
    sound = noise(total)
    film = write_film(tmp_path / "film.mkv", sound)
    spatialize(model, film, tmp_path / "f.wav")
    field = read(tmp_path / "f.wav")
    np.testing.assert_array_equal(field[:1], sound)
    expected = np.array(GAINS, np.float32)[:, None] * sound
    np.testing.assert_allclose(field[1:], expected, atol=1e-6)


def test_a_model_that_sees_hears_each_picture_at_its_time(tmp_path):
    """Silent pictures are black until 1 s: so is the field; the sound begins late."""
    levels = [0] * 13 + [255] * 17
    pictures = [np.full((32, 64, 3), level, np.uint8) for level in levels]
    film = tmp_path / "film.mkv"
    sound = noise(2 * RATE_HZ)
    options = {"sound_start_s": 0.3, "sound_codec": "pcm_f32le"}
    write_video(film, pictures, 10, sound.T, RATE_HZ, **options)

    class Gated(LevelTask):
        """The louder, the brighter the last picture is."""

        def spatialize(self, variables, spectrum, shown, image_time_s):
            kept = spectrum[:, None, :, 3:19]
            level = shown["images"][:, -1].mean((1, 2, 3)) / 255
            return level[:, None, None, None] * kept.repeat(3, 1)

    spatialize(fake_model(Gated()), film, tmp_path / "f.wav")
    w, y, *_ = read(tmp_path / "f.wav")
    np.testing.assert_array_equal(w, sound[0])
    window = 16 * 16  # of a window
    begin = RATE_HZ
    assert np.abs(y[: begin - window]).max() < 1e-3
    np.testing.assert_allclose(y[begin + window :], w[begin + window :], atol=2e-3)


def test_stereo_and_another_rate_are_told(tmp_path, model):
    rate_hz = 22050
    low, high = (tone(1.0, rate_hz, hz, level=0.3) for hz in (500.0, 6000.0))
    sound = np.stack([low + high, 0.5 * low])
    write_film(tmp_path / "film.mkv", sound, rate_hz)
    told = spatialize(model, tmp_path / "film.mkv", tmp_path / "f.wav")
    assert told == [
        "the sound is stereo; the field is made of the mean of both sides",
        "the sound has 22050 Hz, the field 8000 Hz, the model's: what lies above "
        "4000 Hz is lost",
        "sound: AmbiX WAV 8000 Hz, 1.000 s, ambisonics of order 1, 4 channels, ACN, "
        "SN3D",
    ]
    expected = tone(1.0, RATE_HZ, 500.0, level=0.3 * 0.75)
    found = read(tmp_path / "f.wav")[0]
    np.testing.assert_allclose(found[400:-400], expected[400:-400], atol=2e-3)


@pytest.mark.parametrize("name", ["x.mp4", "x.mov", "x.mkv", "x.wav"])
def test_all_outputs_come_of_one_field(tmp_path, model, name):
    film = write_film(tmp_path / "film.mkv", noise(RATE_HZ))
    (tmp_path / "out").mkdir()
    overlays = []
    outputs = FieldOutputs(
        str(tmp_path / "out" / name),
        binaural=str(tmp_path / "out/b.wav"),
        stereo=str(tmp_path / "out/s.wav"),
        overlay=str(tmp_path / "out/o.mp4"),
    )

    def write_overlay(path, source, field, start_s):
        overlays.append((path, source, read(field), start_s))

    told = []
    source = open_field_source(film)
    spatialize_file(model, source, outputs, told.append, write_overlay=write_overlay)
    assert "states no sphere; by its shape it is one" in told[0]
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert written == {name, "b.wav", "s.wav"}
    ((path, given, field, start_s),) = overlays
    assert (path, given, start_s) == (outputs.overlay, source, 0.0)
    assert field.shape == (4, RATE_HZ)
    stereo = read(tmp_path / "out/s.wav")
    np.testing.assert_allclose(stereo[0], field[0] + field[1], atol=1e-6)
    if name == "x.mov":
        _, found, _ = read_sound(tmp_path / "out" / name)
        np.testing.assert_allclose(found, field, atol=2**-22)
    if name != "x.wav":
        assert told[1].startswith("pictures: h264 128x64")
        assert "ambisonics of order 1, ACN, SN3D" in told[2]


def test_a_loud_sound_is_made_softer_and_it_is_told(tmp_path, model):
    film = write_film(tmp_path / "film.mkv", 20 * noise(RATE_HZ))
    told = spatialize(model, film, tmp_path / "x.mov")
    (line,) = (line for line in told if "softer" in line)
    peak = np.abs(20 * noise(RATE_HZ)).max()
    expected_db = 20 * np.log10(peak / 0.99)
    assert f"all channels are {expected_db:.1f} dB softer" in line
    _, found, _ = read_sound(tmp_path / "x.mov")
    assert np.abs(found).max() == pytest.approx(0.99, abs=1e-3)


def test_sound_alone_needs_a_still_picture_or_a_model_that_does_not_see(
    tmp_path, model
):
    write_sound(tmp_path / "s.wav", noise(4000)[0], RATE_HZ)
    Image.fromarray(halves()).save(tmp_path / "room.jpg")
    spatialize(model, tmp_path / "s.wav", tmp_path / "blind.wav")
    assert read(tmp_path / "blind.wav").shape == (4, 4000)
    seeing = model_of(directional())
    with pytest.raises(MediaError, match="has no pictures; name a 360 degree film"):
        spatialize(seeing, tmp_path / "s.wav", tmp_path / "x.wav")
    room = tmp_path / "room.jpg"
    spatialize(seeing, tmp_path / "s.wav", tmp_path / "x.wav", room)
    field = read(tmp_path / "x.wav")
    np.testing.assert_array_equal(field[0], soundfile.read(tmp_path / "s.wav")[0])
    assert np.abs(field[1:]).max() > 1e-4
    with pytest.raises(MediaError, match=r"room.jpg lacks; write .wav alone"):
        spatialize(seeing, tmp_path / "s.wav", tmp_path / "y.mp4", room)


def test_what_was_learnt_for_all_orders_serves_each():
    config = directional()
    variables = model_of(config).variables
    for order in (1, 2, 3):
        task = task_of_order(config, variables, order)
        assert FieldModel(task, variables, 0.1).geometry.order == order


def test_what_was_learnt_for_one_order_is_refused_for_another():
    variables = Variables({}, {})
    assert task_of_order(constant(), variables, 1).order == 1
    with pytest.raises(ConfigError, match=r"order 1, not of 2: .*constant_gains has 3"):
        task_of_order(constant(), variables, 2)
    learnt = Variables({"more": np.zeros(3)}, {})
    with pytest.raises(ConfigError, match="train it for that, or take a model with"):
        task_of_order(constant((), order=2), learnt, 1)
    with pytest.raises(ConfigError, match="makes no sound field"):
        task_of_order(object(), variables, 1)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"field": "film.mkv"}, "film.mkv is read or written already"),
        ({"field": "x.wav", "stereo": "x.wav"}, "x.wav is read or written already"),
        ({"field": "x.wav", "binaural": "b.mp3"}, "b.mp3 cannot be written, .* .wav"),
        ({"field": "x.wav", "overlay": "o.mov"}, "o.mov cannot be written, .* .mp4"),
        ({"field": "x.webm"}, "cannot hold pictures of h264, .*; name the film .mp4"),
        ({"field": "x.webm"}, "cannot hold pictures encoded anew"),
        (
            {"field": "x.wav", "stereo": "film.mkv/s.wav"},
            "film.mkv is a file, no folder",
        ),
        ({"field": "x.ogg"}, "x.ogg cannot be written, expected the ending"),
        ({"field": "a.wav", "binaural": "b.wav", "sofa": "n.sofa"}, "n.sofa cannot be"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(
    tmp_path, model, outputs, message
):
    film = write_film(tmp_path / "film.mkv", noise(800))
    content = film.read_bytes()
    named = {name: str(tmp_path / file) for name, file in outputs.items()}
    given = FieldOutputs(**named, reencode="anew" in message)
    with pytest.raises(MediaError, match=message):
        spatialize_file(model, open_field_source(film), given)
    assert [file.name for file in tmp_path.iterdir()] == ["film.mkv"]
    assert film.read_bytes() == content


def test_pictures_that_end_before_the_sound_stand_still_and_it_is_told(tmp_path):
    film = tmp_path / "film.mp4"
    write_video(film, [halves()] * 5, 10, noise(2 * RATE_HZ)[0], RATE_HZ)
    told = spatialize(model_of(directional()), film, tmp_path / "x.mov")
    assert told[-1].startswith("warning: pictures and sound last 0.500 and 2.")
    _, found, _ = read_sound(tmp_path / "x.mov")
    assert (np.abs(found[:, -RATE_HZ // 2 : -RATE_HZ // 4]).max(1) > 1e-5).all()


def test_a_sound_that_is_cut_off_leaves_nothing(tmp_path, model):
    write_sound(tmp_path / "whole.flac", noise(40000)[0], RATE_HZ)
    content = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "s.flac").write_bytes(content[: len(content) // 2])
    (tmp_path / "out").mkdir()
    with pytest.raises(MediaError, match="cannot be decoded after 1"):
        spatialize(model, tmp_path / "s.flac", tmp_path / "out" / "f.wav")
    assert list((tmp_path / "out").iterdir()) == []
