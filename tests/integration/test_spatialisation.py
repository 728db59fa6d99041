"""Sound fields of long films, in processes of their own, and full disks."""

import json
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

from tests.inference.fakes import halves
from tests.inference.field_fakes import RATE_HZ, directional
from tests.integration.user import spawn
from tests.launch.test_spatialize import write_workdir
from tests.media.make import write_video

ROOT = pathlib.Path(__file__).parents[2]

PEAK = """
import pathlib, re, resource, sys
from spatialjax.inference import FieldOutputs, open_field_source, spatialize_file
from tests.inference.field_fakes import directional, model_of
film, folder = sys.argv[1:]
outputs = FieldOutputs(f"{folder}/x.mov", f"{folder}/b.wav", f"{folder}/s.wav")
spatialize_file(model_of(directional()), open_field_source(film), outputs)
status = pathlib.Path("/proc/self/status")
if status.exists():  # where rusage also counts the process that started this one
    print(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1])
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def write_film(path, seconds):
    sound = np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE_HZ))
    write_video(path, [halves()] * round(8 * seconds), 8, sound, RATE_HZ)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_a_film(tmp_path):
    peaks = []
    for minutes in (1, 10):
        film = tmp_path / f"{minutes}.mp4"
        write_film(film, 60.0 * minutes)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PEAK, film, tmp_path / str(minutes)],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        peaks.append(json.loads(done.stdout))
    assert peaks[1] < 1.1 * peaks[0]


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    workdir = write_workdir(tmp_path / "run", directional())
    write_film(tmp_path / "film.mp4", 20.0)
    for name in ("x.wav", "x.mov"):
        output = tmp_path / "out" / name
        done = spawn(
            "spatialize",
            f"--workdir={workdir}",
            f"--input={tmp_path / 'film.mp4'}",
            f"--output={output}",
            "--compilation_cache=",
            file_limit=1_500_000,
        )
        assert done.returncode == 2, done.stderr
        (line,) = done.stderr.splitlines()
        assert re.search("cannot be written: File too large; free some room", line)
        assert list((tmp_path / "out").iterdir()) == []
