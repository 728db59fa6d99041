"""Films as they come: long ones, and damaged ones, in processes of their own."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.inference.fakes import RATE_HZ, halves, two_tones
from tests.media.make import write_video

ROOT = pathlib.Path(__file__).parents[2]
NUM_COPIES = 200


def run(code, *words):
    """What a fresh process prints, as JSON a line."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def write_film(path, seconds):
    sound = two_tones(seconds).sum(0)
    write_video(path, [halves()] * round(8 * seconds), 8, sound, RATE_HZ)


PEAK = """
import pathlib, re, resource, sys
from spatialjax.inference import SeparationOptions, separate_film
from tests.inference.fakes import separator
film, folder = sys.argv[1:]
pathlib.Path(folder).mkdir()
options = SeparationOptions(num_objects=2)
separate_film(separator(), film, pathlib.Path(folder), options)
status = pathlib.Path("/proc/self/status")
if status.exists():  # where rusage also counts the process that started this one
    print(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1])
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_a_film(tmp_path):
    peaks = []
    for minutes in (1, 20):
        write_film(tmp_path / f"{minutes}.mp4", 60.0 * minutes)
        (peak,) = run(PEAK, tmp_path / f"{minutes}.mp4", tmp_path / str(minutes))
        peaks.append(peak)
    assert peaks[1] < 1.1 * peaks[0]


DAMAGED = """
import json, pathlib, shutil, sys
from spatialjax.errors import UserError
from spatialjax.inference import SeparationOptions, separate_film
from spatialjax.media import replaced_folder
from spatialjax.reports import write_films
from tests.inference.fakes import separator
model = separator()
place = pathlib.Path(sys.argv[1])
for film in sorted(place.glob("*.mp4")):
    print(json.dumps(film.name), end=" ", file=sys.stderr, flush=True)
    try:
        with replaced_folder(place / "out") as folder:
            options = SeparationOptions(points="0.2,0.5")
            scene = separate_film(model, str(film), folder, options)
            write_films(str(film), folder, scene)
        told = None
    except UserError as error:
        told = str(error)
    left = sorted(path.name for path in place.iterdir() if path.suffix != ".mp4")
    shutil.rmtree(place / "out", ignore_errors=True)
    print(json.dumps([film.name, told, left]))
"""


def damage(content, rng):
    """One of five harms: bytes changed, a block zeroed, lost, doubled, the end cut."""
    content = bytearray(content)
    start = int(rng.integers(len(content)))
    length = int(rng.integers(1, 2000))
    match rng.integers(5):
        case 0:
            for place in rng.integers(0, len(content), int(rng.integers(1, 40))):
                content[place] = rng.integers(256)
        case 1:
            content[start : start + length] = bytes(len(content[start:][:length]))
        case 2:
            del content[start : start + length]
        case 3:
            content[start:start] = content[start : start + length]
        case _:
            del content[start:]
    return bytes(content)


@pytest.mark.slow
def test_a_damaged_film_is_separated_or_told_in_one_line(tmp_path):
    write_film(tmp_path / "whole.mp4", 2.0)
    content = (tmp_path / "whole.mp4").read_bytes()
    place = tmp_path / "copies"
    place.mkdir()
    for number in range(NUM_COPIES):
        harmed = damage(content, np.random.default_rng(number))
        (place / f"{number:03d}.mp4").write_bytes(harmed)
    results = run(DAMAGED, place)
    assert len(results) == NUM_COPIES
    refused = 0
    for name, told, left in results:
        assert left == ([] if told else ["out"]), name
        assert told is None or "\n" not in told, name
        refused += told is not None
    assert 0 < refused < NUM_COPIES
