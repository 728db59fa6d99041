"""The program: from a workdir and a film to a sound field, or one line."""

import re

import jax
import numpy as np
import pytest
import soundfile

from spatialjax.data import DataConfig
from spatialjax.media import SoundField, SphericalPicture, read_spatial_metadata
from spatialjax.tasks import Head
from spatialjax.training import Experiment
from spatialjax.training.checkpoint import CheckpointConfig, Checkpoints
from spatialjax.training.workdir import write_config
from tests.inference.field_fakes import RATE_HZ, directional
from tests.integration.user import call
from tests.media.make import write_sound, write_video
from tests.training.runs import FakeConfig
from tfds_builders.toy_sphere import World, write_scene

WORLD = World(image_height=64, image_rate_hz=10.0, seconds=2.0, sample_rate_hz=16000)


def write_workdir(folder, task):
    data = DataConfig(image_spacing_s=0.2)
    write_config(folder, Experiment(name="tiny", task=task, data=data))
    variables = jax.jit(task.build().init)(jax.random.key(0))
    with Checkpoints(folder, CheckpointConfig()) as checkpoints:
        checkpoints.save(3, jax.tree.map(np.asarray, variables), {})
    return folder


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    return write_workdir(tmp_path_factory.mktemp("run"), directional(Head.AUDIO_ONLY))


@pytest.fixture(scope="module")
def looking(tmp_path_factory):
    return write_workdir(tmp_path_factory.mktemp("looking"), directional())


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "sce'ne.mp4"
    write_scene(path, world=WORLD)
    return path


def spatialize(workdir, source, output, *words):
    flags = {"workdir": workdir, "input": source, "output": output}
    given = [f"--{name}={value}" for name, value in flags.items()]
    return call("spatialize", *given, *words)


def read(path):
    samples, rate_hz = soundfile.read(path, always_2d=True)
    assert rate_hz == RATE_HZ
    return samples.T


def test_a_film_becomes_one_with_a_sound_field(tmp_path, looking, film):
    output = tmp_path / "out" / "field.mp4"
    ears, sides = tmp_path / "ears.wav", tmp_path / "sides.wav"
    overlay = tmp_path / "overlay.mp4"
    done = spatialize(
        looking,
        film,
        output,
        f"--binaural={ears}",
        f"--stereo={sides}",
        f"--overlay={overlay}",
    )
    assert done.returncode == 0, done.stderr
    shape, rate, picture, sound, warning = done.stdout.splitlines()
    assert shape.endswith("128x64 pixels and states no sphere; by its shape it is one")
    assert rate.startswith("the sound has 16000 Hz, the field 8000 Hz, the model's")
    assert picture.startswith("pictures: h264 128x64, 10.000 a second, 2.000 s, equire")
    assert sound.startswith("sound: aac 8000 Hz, 2.")
    assert warning == "warning: YouTube asks for 48000 Hz, this is 8000"
    found = read_spatial_metadata(output)
    assert (found.picture, found.sound) == (SphericalPicture(), SoundField(1))
    assert [file.name for file in output.parent.iterdir()] == ["field.mp4"]
    assert overlay.stat().st_size > 1000
    assert read(ears).shape[0] == read(sides).shape[0] == 2


@pytest.mark.parametrize("order", [2, 3])
def test_a_model_that_looks_gives_any_order(tmp_path, looking, film, order):
    done = spatialize(looking, film, tmp_path / "f.wav", f"--order={order}")
    assert done.returncode == 0, done.stderr
    assert f"ambisonics of order {order}" in done.stdout.splitlines()[-1]
    field = read(tmp_path / "f.wav")
    assert field.shape[0] == (order + 1) ** 2
    assert (np.abs(field).max(1) > 1e-5).all()


def test_sound_alone_is_made_a_field(tmp_path, workdir):
    sound = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    soundfile.write(tmp_path / "s.wav", sound, RATE_HZ, "FLOAT")
    done = spatialize(workdir, tmp_path / "s.wav", tmp_path / "f.wav")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "sound: AmbiX WAV 8000 Hz, 0.500 s, ambisonics of order 1, 4 channels, ACN, "
        "SN3D"
    ]
    field = read(tmp_path / "f.wav")
    assert field.shape == (4, 4000)
    np.testing.assert_array_equal(field[0], sound)


@pytest.mark.parametrize(
    ("output", "words", "message"),
    [
        ("x.mp3", [], r"x.mp3 cannot be written, expected the ending .wav, .mp4"),
        ("x.webm", [], r"cannot hold pictures of h264, .*\(reencode\)"),
        ("x.wav", ["--order=4"], r"4 is not an integer in the range \[1, 3\]"),
        ("x.wav", ["--order=2"], r"gives sound fields of order 1, not of 2"),
        ("x.wav", ["--sofa=x.sofa"], r"x.sofa is a head to listen with"),
        ("x.wav", ["--overlay_look=loud", "--overlay=o.mp4"], r"should be one of"),
        ("x.wav", ["--stereo=s.mp3"], r"s.mp3 cannot be written, expected .wav"),
        ("x.wav", ["--checkpoint=7"], r"no step 7"),
        ("x.wav", ["--image=none.png"], r"none.png would be seen by nobody"),
        ("x.mp4", ["--image=none.png"], r"none.png does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    tmp_path, workdir, film, output, words, message
):
    check_refused(spatialize(workdir, film, tmp_path / output, *words), message)
    assert list(tmp_path.iterdir()) == []


def check_refused(done, message):
    assert done.returncode == 2, done.stderr
    lines = [line for line in re.split(r"[\r\n]+", done.stderr) if line.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("spatialize: ")
    assert re.search(message, lines[0]), lines[0]


def test_wrong_inputs_are_one_line(tmp_path, workdir, looking):
    for channels in (3, 4, 5):
        sound = np.zeros((800, channels), np.float32)
        soundfile.write(tmp_path / f"{channels}.wav", sound, RATE_HZ, "FLOAT")
    write_sound(tmp_path / "sound.wav", np.zeros(800), RATE_HZ)
    black = np.zeros((36, 64, 3), np.uint8)
    write_video(tmp_path / "flat.mp4", [black] * 4, 8, np.zeros(4000), RATE_HZ)
    write_video(tmp_path / "mute.mp4", [black] * 4, 8)
    (tmp_path / "text.mp4").write_text("no film")
    whole = tmp_path / "whole.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (20, 32, 64, 3), np.uint8)
    write_video(whole, list(noise), 10, np.zeros(16000), RATE_HZ)
    (tmp_path / "half.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    for name, message in {
        "3.wav": "3 channels, expected 1 or 2; W, X and Y are a sound field without Z",
        "4.wav": "4 channels, expected 1 or 2; if it is a sound field already",
        "5.wav": "5 channels, expected 1 or 2; mix it down first",
        "sound.wav": "has no pictures; name a 360 degree film or a still picture",
        "flat.mp4": "64x36 pixels and states no sphere",
        "mute.mp4": "has no sound stream",
        "text.mp4": "cannot be read",
        "half.mp4": "cannot be read|has no (sound|picture) stream|no samples",
        "none.mp4": "does not exist",
        ".": "is a folder",
    }.items():
        done = spatialize(looking, tmp_path / name, tmp_path / "out.wav")
        check_refused(done, message)
        assert not (tmp_path / "out.wav").exists()
    done = spatialize(looking, tmp_path / "flat.mp4", tmp_path / "flat.mp4")
    check_refused(done, "states no sphere")
    done = spatialize(
        looking, tmp_path / "flat.mp4", tmp_path / "flat.mp4", "--assume_360"
    )
    check_refused(done, "flat.mp4 is read or written already")


def test_a_model_that_makes_no_sound_field_is_told(tmp_path, film):
    folder = write_workdir(tmp_path / "run", FakeConfig())
    done = spatialize(folder, film, tmp_path / "out.wav")
    check_refused(done, "PlainTask makes no sound field")
