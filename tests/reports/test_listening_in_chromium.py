"""The page in a real browser: what is clicked is what is heard, in step."""

import dataclasses
import shutil
import urllib.parse
import urllib.request

import numpy as np
import pytest
import soundfile

from spatialjax.inference.regions import Region, grid_regions
from spatialjax.reports.listening import write_listening_page
from tests.reports.separated_folder import (
    DURATION_S,
    LOUD_UNTIL_S,
    MAP_S,
    TONES_HZ,
    fill_folder,
    scene_of,
    two_halves,
)

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
LEFT, RIGHT = (0.2, 0.6), (0.8, 0.4)
IN_STEP_S = 0.15

HEARD = (
    "[...document.querySelectorAll('audio')].filter(a => !a.paused && a.volume === 1)"
)
"""The elements that sound; one, where no change is under way."""


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        # As without a GPU: the other tests hold what can be held without it.
        pytest.skip("neither chromium nor google-chrome is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("listening")
    scene = scene_of(two_halves())
    fill_folder(folder, scene)
    write_listening_page(folder, scene, "Two halves")
    return folder


@pytest.fixture
def open_page(browser):
    """Opens the page of a folder; afterwards nothing may have gone wrong in it."""
    faults, contexts = [], []

    def open_page(folder, width=1200, height=800):
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((folder / "index.html").as_uri())
        page.wait_for_function("document.getElementById('film').readyState >= 2")
        return page

    requests = []
    yield open_page
    for context in contexts:
        context.close()
    assert not faults
    assert requests
    assert {urllib.parse.urlsplit(url).scheme for url in requests} <= {"file", "data"}


def click(page, at):
    box = page.locator("#stage").bounding_box()
    x, y = at
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def wait_until_heard(page, file):
    """Wait until this file alone is heard and runs, in step with the film."""
    page.wait_for_function(
        f"""([file, inStep]) => {{
          const [heard, ...others] = {HEARD};
          const film = document.getElementById("film");
          if (!heard || others.length || !heard.currentSrc.endsWith(file)) return false;
          window.from ??= {{}};
          window.from[file] ??= heard.currentTime;
          const hasRun = heard.currentTime > window.from[file] + 0.05;
          const late = Math.abs(heard.currentTime - film.currentTime);
          if (!hasRun || film.paused || film.seeking || late > inStep) return false;
          delete window.from[file];
          return true;
        }}""",
        arg=[file, IN_STEP_S],
    )


def frequency_hz(page):
    """Where the energy of the file lies that is heard."""
    source = page.evaluate(f"{HEARD}[0].currentSrc")
    file = urllib.request.url2pathname(urllib.parse.urlsplit(source).path)
    samples, rate_hz = soundfile.read(file)
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    peak_hz = power.argmax() * rate_hz / len(samples)
    near = np.abs(np.fft.rfftfreq(len(samples), 1 / rate_hz) - peak_hz) < 5
    assert power[near].sum() > 0.99 * power.sum()
    return peak_hz


def position_s(page):
    return float(page.locator("#time").input_value())


def seek(page, time_s):
    page.locator("#time").evaluate(
        """(time, to) => {
          time.value = to;
          time.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        time_s,
    )


def opacities(page, time_s):
    """How opaque the layer is ``[h, w]`` at a time."""
    seek(page, time_s)
    page.wait_for_function(
        "to => document.getElementById('time').value == to", arg=time_s
    )
    # The picture of that time is drawn before the next one but one.
    found = page.evaluate(
        """() => new Promise((resolve) => {
          requestAnimationFrame(() => requestAnimationFrame(() => {
            const layer = document.getElementById("layer");
            const { width, height } = layer;
            const image = layer.getContext("2d").getImageData(0, 0, width, height);
            resolve([height, width, [...image.data].filter((_, i) => i % 4 === 3)]);
          }));
        })"""
    )
    height, width, values = found
    return np.reshape(values, (height, width))


def test_a_click_plays_the_source_of_that_place(open_page, folder):
    page = open_page(folder)
    click(page, LEFT)
    wait_until_heard(page, "sources/1.wav")
    assert frequency_hz(page) == pytest.approx(TONES_HZ[0], abs=1)
    before_s = position_s(page)
    click(page, RIGHT)
    wait_until_heard(page, "sources/2.wav")
    assert frequency_hz(page) == pytest.approx(TONES_HZ[1], abs=1)
    assert position_s(page) >= before_s
    assert "B" in page.locator("#status").inner_text()


def test_b_switches_between_source_and_mixture_at_the_same_position(open_page, folder):
    page = open_page(folder)
    seek(page, 5)
    click(page, LEFT)
    wait_until_heard(page, "sources/1.wav")
    page.keyboard.press("b")
    wait_until_heard(page, "mixture.wav")
    assert 5 < position_s(page) < DURATION_S
    page.keyboard.press("Space")
    page.wait_for_function(f"{HEARD}.length === 0")
    there_s = position_s(page)
    page.keyboard.press("b")
    page.wait_for_function(
        """there => [...document.querySelectorAll("audio")].some((a) =>
          a.currentSrc.endsWith("1.wav") && Math.abs(a.currentTime - there) < 0.02
        )""",
        arg=there_s,
    )
    assert position_s(page) == there_s
    page.locator("#compare").click()
    page.keyboard.press("Space")
    assert page.locator("#compare-source").get_attribute("class") == "is-on"


def test_seeking_keeps_sound_and_film_in_step(open_page, folder):
    page = open_page(folder)
    click(page, RIGHT)
    wait_until_heard(page, "sources/2.wav")
    for time_s, most_s in ((25.0, DURATION_S), (1.5, 25.0)):
        seek(page, time_s)
        wait_until_heard(page, "sources/2.wav")
        assert time_s < position_s(page) < most_s


def test_a_choice_before_the_sounds_are_loaded_keeps_the_position(open_page, folder):
    page = open_page(folder)
    seek(page, 7)
    click(page, LEFT)
    click(page, RIGHT)
    click(page, LEFT)
    wait_until_heard(page, "sources/1.wav")
    assert position_s(page) > 7


def test_the_end_stops_and_play_begins_again(open_page, folder):
    page = open_page(folder)
    seek(page, DURATION_S - 0.5)
    click(page, LEFT)
    page.wait_for_function(
        """end => document.getElementById("play").ariaLabel === "Play"
          && Number(document.getElementById("time").value) > end""",
        arg=DURATION_S - 0.1,
    )
    page.locator("#play").click()
    wait_until_heard(page, "sources/1.wav")
    assert position_s(page) < DURATION_S - 1


def test_the_keyboard_alone_is_enough(open_page, folder):
    page = open_page(folder)
    page.locator("#stage").focus()
    page.keyboard.press("ArrowRight")  # shows the place in the middle
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert "A" in page.locator("#hint").inner_text()
    page.keyboard.press("Enter")
    wait_until_heard(page, "sources/1.wav")
    page.keyboard.press("Space")
    page.wait_for_function(f"{HEARD}.length === 0")
    page.locator(".pick", has_text="B").focus()
    page.keyboard.press("Enter")
    wait_until_heard(page, "sources/2.wav")
    pressed = page.locator(".pick[aria-pressed=true]")
    assert pressed.all_inner_texts() == ["B"]
    page.keyboard.press("Space")  # on the source that plays: pauses it
    page.wait_for_function(f"{HEARD}.length === 0")


def test_the_layer_shows_what_is_loud_and_nothing_where_it_is_silent(open_page, folder):
    page = open_page(folder)
    for layer in ("Energy", "Colours of sounds"):
        page.get_by_role("radio", name=layer).check()
        loud = opacities(page, LOUD_UNTIL_S - MAP_S)
        middle = loud.shape[1] // 2
        assert loud[:, : middle // 2].min() > 200
        assert loud[:, -middle // 2 :].max() < (1 if layer == "Energy" else 40)
        silent = opacities(page, LOUD_UNTIL_S + MAP_S)
        assert silent.max() < (1 if layer == "Energy" else 40)
    page.get_by_role("radio", name="None").check()
    assert opacities(page, LOUD_UNTIL_S / 2).max() == 0


@pytest.mark.parametrize("size", [(320, 640), (1600, 900)])
def test_long_and_hostile_names_fit_any_screen(open_page, tmp_path, size):
    names = ("</script><b>x</b>" + "y" * 200, '\u202e\' onclick="alert(1)" {{ 1 }}')
    scene = scene_of(two_halves(names), duration_s=1.0)
    fill_folder(tmp_path, scene)
    write_listening_page(tmp_path, scene, "z" * 200)
    page = open_page(tmp_path, *size)
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    assert page.locator("b").count() == 0
    assert page.locator(".name").all_text_contents() == ["Mixture", *names]
    click(page, LEFT)
    assert names[0] in page.locator("#status").text_content()


def test_a_link_to_a_file_leaves_the_page_as_it_is(open_page, folder):
    page = open_page(folder)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Download B").click()
    assert opened.value.url.endswith("sources/2.wav")
    assert page.url.endswith("index.html")


def test_a_place_of_no_source_says_so_and_plays_the_mixture(open_page, tmp_path):
    places = np.zeros((4, 4), bool)
    places[:2, :2] = True
    scene = scene_of([Region("corner", places)])
    fill_folder(tmp_path, scene)
    write_listening_page(tmp_path, scene, "A corner")
    page = open_page(tmp_path)
    click(page, (0.1, 0.1))
    wait_until_heard(page, "sources/1.wav")
    click(page, (0.9, 0.9))
    wait_until_heard(page, "mixture.wav")
    assert "No source" in page.locator("#status").inner_text()


def test_a_grid_unfolds_and_plays_any_place(open_page, tmp_path):
    scene = scene_of(grid_regions((7, 7)))
    fill_folder(tmp_path, scene)
    write_listening_page(tmp_path, scene, "A grid")
    page = open_page(tmp_path)
    assert not page.locator(".pick", has_text="place_6_6").is_visible()
    for n in (1, 9, 25, 33, 41, 49):  # more than are kept
        row, column = divmod(n - 1, 7)
        click(page, ((column + 0.5) / 7, (row + 0.5) / 7))
        wait_until_heard(page, f"sources/{n}.wav")
    assert page.locator("audio").count() <= 4
    page.locator("summary").click()
    assert page.locator(".pick", has_text="place_6_6").is_visible()


def test_a_film_that_outlasts_its_sound_goes_on(open_page, tmp_path):
    scene = scene_of(two_halves(), duration_s=3.0)
    fill_folder(tmp_path, scene)
    short = dataclasses.replace(scene, duration_s=1.0)
    for file in (*scene.files, "mixture.wav"):
        samples, rate_hz = soundfile.read(tmp_path / file)
        soundfile.write(tmp_path / file, samples[:rate_hz], rate_hz, "FLOAT")
    write_listening_page(tmp_path, short, "Short sounds")
    page = open_page(tmp_path)
    seek(page, 0.5)
    click(page, LEFT)
    page.wait_for_function("Number(document.getElementById('time').value) > 2")
    click(page, RIGHT)
    page.wait_for_function(
        """() => document.getElementById("play").ariaLabel === "Play"
          && Number(document.getElementById("time").value) > 2.9"""
    )


def test_a_film_of_nothing_has_a_page_without_errors(open_page, tmp_path):
    scene = scene_of(two_halves(), duration_s=0.0)
    fill_folder(tmp_path, dataclasses.replace(scene, duration_s=1.0))
    write_listening_page(tmp_path, scene, "Nothing")
    page = open_page(tmp_path)
    click(page, LEFT)
    assert "silent" in page.locator("#status").inner_text()
