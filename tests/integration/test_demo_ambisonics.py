"""`make demo-ambisonics` on the tiny sphere: one command, then the same again."""

import json
import re

import numpy as np
import pytest

from spatialjax.media import read_spatial_metadata
from tests.integration.user import check_whole, lines_of, spawn

pytestmark = pytest.mark.slow

SPLITS = {
    "test_1": "one source, one decoy",
    "test_2": "two sources",
    "test_3": "three sources",
}
SYSTEMS = ("model", "swapped", "audio_only", "spatial_prior", "loudness_prior", "mono")


def demo(folder):
    flags = {
        "dataset": "toy_sphere/tiny",
        "steps": 4,
        "output": folder / "demo",
        "data_dir": folder / "data",
    }
    return spawn("demo_ambisonics", *(f"--{k}={v}" for k, v in flags.items()))


def test_builds_trains_scores_makes_a_film_and_goes_on(tmp_path):
    done = demo(tmp_path)
    assert done.returncode == 0, done.stderr
    output = tmp_path / "demo"
    assert f"built {tmp_path / 'data'}" in done.stdout
    assert len(re.findall(r"^trained to step 4 in \d+ s$", done.stdout, re.M)) == 2
    assert all(words in done.stdout for words in SPLITS.values())
    (systems,) = json.loads((output / "summary.json").read_text()).values()
    assert set(systems) == set(SYSTEMS)
    for splits in systems.values():
        assert set(splits) == set(SPLITS)
        for figures in splits.values():
            assert np.isfinite(list(figures.values())).all()
    for figures in systems["mono"].values():
        assert figures["STFT"] == pytest.approx(1.0)
        assert figures["median"] == pytest.approx(90.0)
    for split in SPLITS:
        assert (output / "report" / f"{split}_directional0" / "index.html").is_file()
    metadata = read_spatial_metadata(output / "ambisonics.mp4")
    assert metadata.sound.order == 1
    assert metadata.picture is not None
    check_whole(tmp_path)

    again = demo(tmp_path)
    assert again.returncode == 0, again.stderr
    assert "built" not in again.stdout
    told = [line for line in lines_of(again) if "nothing is left to do" in line]
    assert len(told) == 2
