import base64
import dataclasses
import html.parser
import json
import re
import urllib.parse

import numpy as np
import pytest
import soundfile

from spatialjax.errors import MediaError
from spatialjax.inference.regions import Region, grid_regions
from spatialjax.media import write_wav
from spatialjax.reports.listening import MOST_POINTS, write_listening_page
from tests.reports.separated_folder import (
    LOUD,
    RATE_HZ,
    scene_of,
    tone,
    two_halves,
)

HOSTILE = "</script><b>x</b> \" ' & {{ 7 * 7 }} \u202e \u2028"


class Page(html.parser.HTMLParser):
    """What stands in a page, by tag; texts of scripts; links."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.ids = [], [], []
        self.scripts, self.names = [], []
        self._inside = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.links += [given[name] for name in ("src", "href") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        self._inside = "name" if given.get("class") == "name" else tag
        if tag == "script":
            self.scripts.append("")
        if self._inside == "name":
            self.names.append("")

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, text):
        if self._inside == "script":
            self.scripts[-1] += text
        if self._inside == "name":
            self.names[-1] += text

    @property
    def scene(self):
        return json.loads(self.scripts[0])


def sounds_of(folder, scene, mixture_file="mixture.wav"):
    """Write silent stand-ins for the film and the sounds of a scene."""
    short = tone(440, 0.5)
    for file in (*scene.files, mixture_file):
        write_wav(folder / file, short, RATE_HZ)
    (folder / "film.mp4").write_bytes(b"film")


def page_of(folder, scene, title="A film", **files):
    write_listening_page(folder, scene, title, **files)
    return Page((folder / "index.html").read_text("utf-8"))


@pytest.fixture
def scene(tmp_path):
    scene = scene_of(two_halves())
    sounds_of(tmp_path, scene)
    return scene


def test_every_file_that_the_page_names_is_there(scene, tmp_path):
    for name in ("residual.wav", "removed.wav", "energy.mp4"):
        (tmp_path / name).write_bytes((tmp_path / "mixture.wav").read_bytes())
    page = page_of(tmp_path, scene)
    files = [link for link in page.links if link != "data:,"]
    assert set(files) == {
        "film.mp4",
        "energy.mp4",
        "mixture.wav",
        "removed.wav",
        "residual.wav",
        "sources/1.wav",
        "sources/2.wav",
    }
    assert {sound["file"] for sound in page.scene["sounds"]} <= set(files)
    for file in files:
        assert (tmp_path / file).stat().st_size > 0


def test_the_page_asks_for_nothing_from_elsewhere(scene, tmp_path):
    page_of(tmp_path, scene)
    text = (tmp_path / "index.html").read_text("utf-8")
    assert not re.search(
        r"https?:|url\(|@import|fetch\(|XMLHttpRequest|\bimport\b", text
    )


def test_the_programs_find_what_they_look_for(scene, tmp_path):
    page = page_of(tmp_path, scene)
    wanted = set(re.findall(r"find\(\"([\w-]+)\"\)", "".join(page.scripts[1:])))
    assert len(wanted) > 10
    assert wanted <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_lists_the_sources_the_mixture_and_what_is_left(scene, tmp_path):
    page = page_of(tmp_path, scene)
    assert page.names == ["Mixture", "A", "B"]
    assert [sound["kind"] for sound in page.scene["sounds"]] == [
        "source",
        "source",
        "mixture",
    ]
    assert "details" not in page.tags
    text = (tmp_path / "index.html").read_text("utf-8")
    assert "−15.0 dB" in text
    assert "−21.0 dB" in text
    assert f"{20 * np.log10(0.25 / 2**0.5):.1f} dB".replace("-", "−") in text
    assert page.scene["loudest"] == 0


def test_names_are_text_and_nothing_else(tmp_path):
    scene = scene_of(two_halves((HOSTILE, "half of a letter \ud800")))
    sounds_of(tmp_path, scene)
    page = page_of(tmp_path, scene, title=HOSTILE)
    assert "b" not in page.tags
    assert page.names == ["Mixture", HOSTILE, "half of a letter ?"]
    assert page.scene["sounds"][0]["name"] == HOSTILE
    assert len(page.scripts) == 4


def test_files_of_any_name_are_linked(tmp_path):
    scene = scene_of(two_halves())
    files = ("sources/1 #?%41.wav", "javascript:2.wav")
    scene = dataclasses.replace(scene, files=files)
    sounds_of(tmp_path, scene, mixture_file="ä&ö.wav")
    page = page_of(tmp_path, scene, mixture_file="ä&ö.wav", energy_film_file=None)
    given = [sound["file"] for sound in page.scene["sounds"]]
    assert set(given) <= set(page.links)
    for link, file in zip(given, (*files, "ä&ö.wav"), strict=True):
        parts = urllib.parse.urlsplit(link)
        assert (parts.scheme, parts.query, parts.fragment) == ("", "", "")
        assert urllib.parse.unquote(parts.path) == file


def test_carries_the_maps_and_the_colours(scene, tmp_path):
    given = page_of(tmp_path, scene).scene
    maps = np.frombuffer(base64.b64decode(given["maps"]), np.uint8)
    np.testing.assert_array_equal(maps.reshape(-1, *given["grid"]), scene.maps_db)
    assert given["num_maps"] == len(scene.maps_db)
    assert given["range"] == [LOUD - 6.375, LOUD]
    colours = np.frombuffer(base64.b64decode(given["colours"]), np.uint8)
    np.testing.assert_array_equal(colours.reshape(4, 4, 3), scene.colours)


def test_a_rare_flash_does_not_set_the_range(tmp_path):
    scene = scene_of(two_halves(), duration_s=600)
    scene.maps_db[:, :, :2] = LOUD
    scene.maps_db[0, 0, 0] = 255
    sounds_of(tmp_path, scene)
    assert page_of(tmp_path, scene).scene["range"][1] == LOUD


def test_a_place_belongs_to_the_smallest_source_that_holds_it(tmp_path):
    whole, part, corner = (np.zeros((3, 3), bool) for _ in range(3))
    whole[:2] = True
    part[:, 0] = True
    corner[0, 0] = True
    regions = [Region("c", corner), Region("w", whole), Region("p", part)]
    scene = scene_of(regions)
    sounds_of(tmp_path, scene)
    owners = page_of(tmp_path, scene).scene["owners"]
    assert owners == [0, 1, 1, 2, 1, 1, 2, -1, -1]


def test_a_grid_is_folded_and_every_place_is_a_source(tmp_path):
    scene = scene_of(grid_regions((14, 14)))
    sounds_of(tmp_path, scene)
    page = page_of(tmp_path, scene)
    assert page.scene["owners"] == list(range(196))
    assert page.tags.count("details") == 1
    assert len(page.names) == 197


def test_a_level_curve_keeps_its_peaks_however_long_the_film(tmp_path):
    scene = scene_of(two_halves(), duration_s=3600)
    scene.levels_db[:] = -90.0
    scene.levels_db[7000, 1] = 0.0
    sounds_of(tmp_path, scene)
    page_of(tmp_path, scene)
    text = (tmp_path / "index.html").read_text("utf-8")
    paths = re.findall(r'<path d="(M0 100L[^"]*)"/>', text)
    assert len(paths) == 3
    assert all(path.count("L") == MOST_POINTS + 3 for path in paths[1:])
    point = int(7000 / 14400 * MOST_POINTS)
    x = round(1000 * (point + 0.5) / MOST_POINTS)
    assert re.findall(r"L(\d+) 0(?=L)", paths[2]) == [str(x)]


@pytest.mark.parametrize("num_sources", [0, 2])
def test_an_empty_film_has_a_page(tmp_path, num_sources):
    scene = scene_of(two_halves()[:num_sources], duration_s=0.0)
    for file in (*scene.files, "mixture.wav"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / file, np.zeros((0, 1)), RATE_HZ, "FLOAT")
    (tmp_path / "film.mp4").write_bytes(b"film")
    page = page_of(tmp_path, scene)
    assert page.scene["num_maps"] == 0
    assert page.scene["range"] == [0, 63.75]
    assert page.names == ["Mixture", "A", "B"][: num_sources + 1]
    assert "silent" in (tmp_path / "index.html").read_text("utf-8")


def test_a_missing_mixture_is_an_error(scene, tmp_path):
    (tmp_path / "mixture.wav").unlink()
    with pytest.raises(MediaError, match=r"mixture\.wav cannot be read"):
        write_listening_page(tmp_path, scene, "A film")
    assert not (tmp_path / "index.html").exists()
