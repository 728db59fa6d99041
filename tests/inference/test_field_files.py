"""From a sound field on disk to films, ears and stereo, each opened again."""

import numpy as np
import pytest
import soundfile

from spatialjax.ambisonics import (
    angles_to_direction,
    encode,
    render_binaural,
    stereo_preview,
)
from spatialjax.errors import MediaError
from spatialjax.inference import field_files
from spatialjax.inference.field_files import (
    check_field_film,
    describe_field,
    ear_filters,
    write_binaural,
    write_field_film,
    write_stereo,
)
from spatialjax.inference.field_source import open_field_source
from spatialjax.media import (
    SoundField,
    SphericalPicture,
    read_spatial_metadata,
    write_ambix_wav,
)
from tests.media.make import write_sound, write_video
from tests.media.make_spatial import packets, read_sound

RATE_HZ = 16000


def noise(seconds=1.0, level=0.1):
    return np.random.default_rng(0).normal(0, level, round(seconds * RATE_HZ))


def write_wave(path, mono, azimuth_deg, order=1):
    """A plane wave, written in pieces."""
    direction = angles_to_direction(np.radians(azimuth_deg), 0.0)
    field = np.asarray(encode(mono, direction, order), np.float32)
    with write_ambix_wav(path, RATE_HZ, order) as write:
        for piece in np.array_split(field, 5, axis=1):
            write(piece)
    return field


def read(path):
    return soundfile.read(path, always_2d=True, dtype="float32")[0].T


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    pictures = [np.full((64, 128, 3), 9 * i, np.uint8) for i in range(10)]
    write_video(path, pictures, 10, noise(), RATE_HZ)
    return path


def test_ears_and_sides_are_those_of_the_whole_field(tmp_path, monkeypatch):
    order = 2
    monkeypatch.setattr(field_files, "BLOCK", 3000)
    field = write_wave(tmp_path / "f.wav", noise(), 60, order)
    filters = ear_filters(RATE_HZ, order, None)
    assert write_binaural(tmp_path / "b.wav", tmp_path / "f.wav", filters) == 1
    expected = np.asarray(render_binaural(field, filters))
    np.testing.assert_allclose(read(tmp_path / "b.wav"), expected, atol=1e-6)
    left, right = np.square(expected).mean(1)
    assert left > 2 * right
    assert write_stereo(tmp_path / "s.wav", tmp_path / "f.wav") == 1
    expected = np.asarray(stereo_preview(field))
    np.testing.assert_allclose(read(tmp_path / "s.wav"), expected, atol=1e-6)


def test_what_would_clip_becomes_softer_in_all_channels_alike(tmp_path, film):
    source = open_field_source(film)
    field = write_wave(tmp_path / "f.wav", 5 * noise(), 60)
    peak = np.abs(field).max()
    assert peak > 1.5
    gain = write_field_film(tmp_path / "x.mov", source, tmp_path / "f.wav", 0.0)
    assert gain == pytest.approx(0.99 / peak)
    _, found, _ = read_sound(tmp_path / "x.mov")
    np.testing.assert_allclose(found, gain * field, atol=2**-22)
    gain = write_stereo(tmp_path / "s.wav", tmp_path / "f.wav")
    assert np.abs(read(tmp_path / "s.wav")).max() == pytest.approx(0.99, abs=1e-4)
    expected = gain * np.asarray(stereo_preview(field))
    np.testing.assert_allclose(read(tmp_path / "s.wav"), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["x.mp4", "x.mov", "x.mkv"])
def test_a_film_states_what_it_is_and_keeps_its_pictures(tmp_path, film, name):
    source = open_field_source(film)
    field = write_wave(tmp_path / "f.wav", noise(), -90)
    path = tmp_path / name
    check_field_film(path, source, reencode=False)
    assert write_field_film(path, source, tmp_path / "f.wav", 0.0) == 1
    found = read_spatial_metadata(path)
    assert (found.picture, found.sound) == (SphericalPicture(), SoundField(1))
    original = [content for stream, content, _ in packets(film) if stream == 0]
    copied = [content for stream, content, _ in packets(path) if stream == 0]
    assert copied == original
    _, sound, _ = read_sound(path)
    w, y = sound[:2, 4000:12000] - sound[:2, 4000:12000].mean(1, keepdims=True)
    assert np.corrcoef(w, y)[0, 1] < -0.95  # from the right
    assert np.abs(field[0]).max() > 0.3
    lines = describe_field(path)
    assert lines[0].endswith("equirectangular, mono")
    assert "ambisonics of order 1, ACN, SN3D" in lines[1]


def test_a_sound_field_is_described(tmp_path):
    write_wave(tmp_path / "f.wav", noise(0.5), 0, 2)
    assert describe_field(tmp_path / "f.wav") == [
        "sound: AmbiX WAV 16000 Hz, 0.500 s, ambisonics of order 2, 9 channels, ACN, "
        "SN3D"
    ]


def test_films_that_cannot_be_are_refused_at_once(tmp_path, film):
    source = open_field_source(film)
    write_sound(tmp_path / "s.wav", noise(), RATE_HZ)
    blind = open_field_source(tmp_path / "s.wav", is_seen=False)
    for path, given, message in [
        (
            "x.webm",
            source,
            r"pictures of h264, .*; name the film .mp4 or .mov or .mkv",
        ),
        ("x.mp4", blind, r"needs moving pictures, which .*s.wav lacks; write .wav"),
        ("x.flac", source, r"expected the ending .wav, .mp4, .mov, .webm, .mkv"),
    ]:
        with pytest.raises(MediaError, match=message):
            check_field_film(path, given, reencode=False)
    check_field_film("x.mp4", source, reencode=True)
    check_field_film("x.wav", blind, reencode=False)
