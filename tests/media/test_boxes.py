"""Boxes of mp4 and mov files, and positions that follow their bytes."""

import os
import struct

import numpy as np
import pytest

from spatialjax.errors import MediaError
from spatialjax.media import boxes
from spatialjax.media.boxes import Box, read_movie, rewrite_movie
from tests.media.make import number_picture, tone, write_video
from tests.media.make_spatial import (
    packets,
    read_sound,
    tones,
    write_pictures,
    write_sound,
)

STBL = (b"trak", b"mdia", b"minf", b"stbl")
STSD = (*STBL, b"stsd")


def top_level(path):
    """Types of the boxes of a file, by an own reading of 32-bit sizes."""
    content, found, start = path.read_bytes(), [], 0
    while start < len(content):
        size, kind = struct.unpack_from(">I4s", content, start)
        found.append(kind)
        start += size or len(content)
    return found


def film(path, **options):
    pictures = [number_picture(number, 32, 32) for number in range(12)]
    write_video(path, pictures, 12.0, tone(1.0, 22050), **options)
    return path


def pad(movie):
    """Make the header 1000 bytes longer, in a box deep inside."""
    for stbl in movie.find(*STBL):
        stbl.children.append(Box(b"free", bytes(1000)))


def with_movie_first(path):
    rewrite_movie(film(path), path, lambda movie: None, movie_first=True)
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_what_is_parsed_is_written_again_byte_for_byte(tmp_path, suffix):
    path = film(tmp_path / f"x.{suffix}", sound_codec="aac")
    movie = bytes(read_movie(path))
    assert movie in path.read_bytes()
    names = [entry.kind for entry in read_movie(path).find(*STSD, b"avc1")]
    assert names == [b"avc1"]
    inside = {box.kind for box in next(read_movie(path).find(*STSD, b"avc1")).children}
    assert b"avcC" in inside
    sound = next(read_movie(path).find(*STSD, b"mp4a"))
    esds = list(sound.find(b"esds")) or list(sound.find(b"wave", b"esds"))
    assert len(esds) == 1


def test_every_packet_is_the_same_after_the_header_grew(tmp_path):
    last, first = film(tmp_path / "last.mp4"), with_movie_first(tmp_path / "first.mp4")
    assert top_level(last)[-2:] == [b"mdat", b"moov"]
    assert top_level(first)[:2] == [b"ftyp", b"moov"]
    assert packets(first) == packets(last)
    for path in (last, first):
        rewrite_movie(path, tmp_path / "x.mp4", pad)
        assert top_level(tmp_path / "x.mp4") == top_level(path)
        assert (tmp_path / "x.mp4").stat().st_size == path.stat().st_size + 2016
        assert packets(tmp_path / "x.mp4") == packets(last)


def test_b30_offsets_point_at_the_same_bytes(tmp_path):
    path = with_movie_first(tmp_path / "first.mp4")
    rewrite_movie(path, tmp_path / "x.mp4", pad)
    shown = []
    for file in (path, tmp_path / "x.mp4"):
        content = file.read_bytes()
        stcos = [box.fields for box in read_movie(file).find(*STBL, b"stco")]
        offsets = np.concatenate([np.frombuffer(f[8:], ">u4") for f in stcos])
        shown.append([content[o : o + 64] for o in offsets])
    assert len(shown[0]) > 2
    assert shown[0] == shown[1]


def test_a_file_beyond_32_bits_gets_wide_offsets(tmp_path, monkeypatch):
    path = with_movie_first(tmp_path / "first.mp4")
    monkeypatch.setattr(boxes, "LARGEST_OFFSET", 1000)
    rewrite_movie(path, tmp_path / "x.mp4", lambda movie: None)
    movie = read_movie(tmp_path / "x.mp4")
    assert not list(movie.find(*STBL, b"stco"))
    assert len(list(movie.find(*STBL, b"co64"))) == 2
    assert packets(tmp_path / "x.mp4") == packets(path)
    monkeypatch.undo()  # wide offsets move as well
    rewrite_movie(tmp_path / "x.mp4", tmp_path / "y.mp4", pad)
    assert packets(tmp_path / "y.mp4") == packets(path)


def test_a_large_box_and_a_last_one_without_a_size_are_kept(tmp_path):
    path = with_movie_first(tmp_path / "first.mp4")
    content = path.read_bytes()
    at = content.index(b"mdat") - 4
    size = struct.unpack_from(">I", content, at)[0]
    assert at + size == len(content)
    large, endless = tmp_path / "large.mp4", tmp_path / "endless.mp4"
    endless.write_bytes(content[:at] + bytes(4) + content[at + 4 :])
    head = struct.pack(">I4sQ", 1, b"mdat", size + 8)
    large.write_bytes(content[:at] + head + content[at + 8 :])
    shift_offsets(large, 8)  # as the head is longer
    for file in (large, endless):
        assert packets(file) == packets(path)
        rewrite_movie(file, tmp_path / "y.mp4", pad)
        assert packets(tmp_path / "y.mp4") == packets(path)


def shift_offsets(path, num_bytes):
    """Add to the 32-bit offsets of a file, in place."""
    content = bytearray(path.read_bytes())
    at = content.find(b"stco")
    while at >= 0:
        count = struct.unpack_from(">I", content, at + 8)[0]
        for place in range(at + 12, at + 12 + 4 * count, 4):
            offset = struct.unpack_from(">I", content, place)[0]
            struct.pack_into(">I", content, place, offset + num_bytes)
        at = content.find(b"stco", at + 4)
    path.write_bytes(content)


def test_media_is_copied_in_pieces_and_a_file_may_replace_itself(tmp_path, monkeypatch):
    path = film(tmp_path / "x.mp4")
    before = packets(path)
    monkeypatch.setattr(boxes, "_PIECE", 1000)
    rewrite_movie(path, path, pad, movie_first=True)
    assert packets(path) == before
    assert os.listdir(tmp_path) == ["x.mp4"]


def test_quicktime_entries_of_version_2_are_opened(tmp_path):
    path, samples = tmp_path / "x.mov", tones(4)
    write_sound(path, "pcm_s16le", "4 channels", samples)

    def to_version_2(movie):
        (entry,) = movie.find(*STSD, b"sowt")
        head = entry.fields[:8] + struct.pack(
            ">HHIHHhHIIdIIIIII",
            *(2, 0, 0, 3, 16, -2, 0, 65536, 72, 48000.0, 4, 0x7F000000, 16),
            *(4 | 8, 8, 1),  # signed, packed; bytes and samples of a packet
        )
        entry.kind, entry.fields = b"lpcm", head
        entry.children = [Box(b"free", b"behind the fields")]

    rewrite_movie(path, tmp_path / "2.mov", to_version_2)
    _, found, _ = read_sound(tmp_path / "2.mov")
    assert found.shape == samples.shape
    np.testing.assert_allclose(found, samples, atol=2e-5)
    (entry,) = read_movie(tmp_path / "2.mov").find(*STSD, b"lpcm")
    assert [box.fields for box in entry.children] == [b"behind the fields"]


def test_iso_entries_of_version_1_are_no_longer_than_others(tmp_path):
    def to_version_1(movie):
        for stsd in movie.find(*STSD):
            if stsd.children[0].kind == b"mp4a":
                stsd.fields = b"\1" + stsd.fields[1:]
                (entry,) = stsd.children
                entry.fields = entry.fields[:8] + b"\0\1" + entry.fields[10:]

    path = film(tmp_path / "x.mp4")
    rewrite_movie(path, tmp_path / "1.mp4", to_version_1)
    (entry,) = read_movie(tmp_path / "1.mp4").find(*STSD, b"mp4a")
    assert [box.kind for box in entry.children][:1] == [b"esds"]
    assert read_sound(tmp_path / "1.mp4")[1].shape[0] == 1


def test_zeros_that_end_a_list_stay_at_its_end(tmp_path):
    def end_with_zeros(movie):
        next(movie.find(*STSD, b"avc1")).tail = bytes(4)

    path = film(tmp_path / "x.mov")
    rewrite_movie(path, path, end_with_zeros)
    (entry,) = read_movie(path).find(*STSD, b"avc1")
    assert entry.tail == bytes(4)
    assert entry.children[0].kind == b"avcC"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds 0 'moov' boxes"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "is no mp4 or mov file"),
        (b"\0\0\0\x10ftypisom\0\0\0\0", "holds 0 'moov' boxes"),
        (
            b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\5free",
            "cut off or damaged: its box 'free'",
        ),
        (b"\0\0\0\x08moov", "holds no track"),
        (
            b"\0\0\0\x10moov\0\0\0\x20trak",
            "damaged: its box 'moov' ends inside another",
        ),
    ],
)
def test_foreign_files_are_told_in_one_line(tmp_path, content, message):
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(MediaError, match=message) as caught:
        rewrite_movie(tmp_path / "x.mp4", tmp_path / "y.mp4", pad)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["x.mp4"]


def test_a_file_that_lacks_its_end_is_told(tmp_path):
    path = with_movie_first(tmp_path / "x.mp4")
    content = path.read_bytes()
    for length in range(1, len(content), len(content) // 50):
        path.write_bytes(content[:length])
        with pytest.raises(MediaError, match=r"x.mp4 (is cut off|holds 0|is no mp4)"):
            rewrite_movie(path, tmp_path / "y.mp4", pad)
    assert os.listdir(tmp_path) == ["x.mp4"]


def test_no_damaged_header_gives_anything_but_a_media_error(tmp_path):
    path = film(tmp_path / "x.mp4")
    content = path.read_bytes()
    moov = content.index(b"moov") - 4
    rng, num_told = np.random.default_rng(0), 0
    for _ in range(150):
        damaged = np.frombuffer(content, np.uint8).copy()
        places = rng.integers(moov, len(content), 4)
        damaged[places] = rng.integers(0, 256, 4)
        path.write_bytes(damaged.tobytes())
        try:
            rewrite_movie(path, tmp_path / "y.mp4", pad)
        except MediaError:
            num_told += 1
    assert num_told > 10


def keeps_saio(movie):
    next(movie.find(*STBL)).children.append(Box(b"saio", bytes(8)))


def keeps_iloc(movie):
    movie.children.append(Box(b"meta", bytes(4) + bytes(Box(b"iloc", bytes(8)))))


def test_a_table_beside_the_header_is_refused(tmp_path):
    path = film(tmp_path / "x.mp4")
    meta = Box(b"meta", bytes(4), [Box(b"iloc", bytes(8))])
    path.write_bytes(path.read_bytes() + bytes(meta))
    with pytest.raises(MediaError, match="keeps positions in 'iloc'"):
        rewrite_movie(path, tmp_path / "y.mp4", pad)


def lies_elsewhere(movie):
    for dref in movie.find(b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        dref.children = [Box(b"url ", bytes(4) + b"other.mp4\0")]


def seeks_too_far(movie):
    for stco in movie.find(*STBL, b"stco"):
        stco.fields = stco.fields[:8] + b"\x7f" + stco.fields[9:]


def seeks_the_header(movie):
    for stco in movie.find(*STBL, b"stco"):
        stco.fields = stco.fields[:8] + struct.pack(">I", 100) + stco.fields[12:]


def counts_too_many(movie):
    for stco in movie.find(*STBL, b"stco"):
        stco.fields = stco.fields[:4] + b"\x7f" + stco.fields[5:]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (keeps_saio, "keeps positions in 'saio'"),
        (keeps_iloc, "keeps positions in 'iloc'"),
        (lies_elsewhere, "keeps its sound or pictures in other files"),
        (seeks_too_far, "seeks sound or pictures where there are none"),
        (seeks_the_header, "seeks sound or pictures where there are none"),
        (counts_too_many, "its box 'stco' is too short"),
    ],
)
def test_positions_that_cannot_be_moved_are_refused(tmp_path, damage, message):
    path = with_movie_first(tmp_path / "x.mp4")
    movie = read_movie(path)
    before = len(bytes(movie))
    damage(movie)
    content = path.read_bytes()
    start = content.index(b"moov") - 4
    whole = content[:start] + bytes(movie) + content[start + before :]
    path.write_bytes(whole)
    with pytest.raises(MediaError, match=message):
        rewrite_movie(path, tmp_path / "y.mp4", pad)
    assert os.listdir(tmp_path) == ["x.mp4"]


def test_fragments_are_refused(tmp_path):
    path, options = tmp_path / "x.mp4", {"movflags": "frag_keyframe+empty_moov"}
    write_sound(path, "aac", "stereo", tones(2), container_options=options)
    with pytest.raises(MediaError, match="is cut into fragments"):
        rewrite_movie(path, tmp_path / "y.mp4", pad)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    write_pictures(tmp_path / "x.mp4", 2)
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match=r"y.mp4 cannot be written"):
        rewrite_movie(tmp_path / "x.mp4", tmp_path / "file" / "y.mp4", pad)
    with pytest.raises(MediaError, match=r"none.mp4 cannot be read: No such file"):
        read_movie(tmp_path / "none.mp4")
