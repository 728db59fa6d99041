"""A user's own recordings, from an index csv to a page."""

import json
import re

import numpy as np
import pytest
import soundfile

from spatialjax.config import from_json
from spatialjax.evaluation import read_scorecard
from tests.integration.user import (
    RATE_HZ,
    call,
    check_whole,
    lines_of,
    write_clip,
    write_config,
    write_index,
    write_mp4,
)
from tests.media.make import number_picture

CLIPS = [
    *(("train", kind, label) for kind in ("mp3+jpg", "wav+mp4") for label in "cdt"),
    *(("val", "mp3+jpg", label) for label in "ct"),
    ("val", "wav+mp4", "d"),
]


def add_broken_rows(source):
    """Rows that cannot be used; what `missing.json` must say, by clip."""
    good = source / "audio" / "c" / "00000000000.mp3"
    images = source / "frames" / "c" / "00000000000.mp4"
    broken = source / "audio" / "x"
    broken.mkdir()
    soundfile.write(broken / "empty.wav", np.zeros(0), 8000)
    soundfile.write(broken / "nan.wav", np.full(8000, np.nan), 8000, "FLOAT")
    (broken / "text.mp3").write_text("no sound")
    mute = broken / "mute.mp4"
    write_mp4(mute, [number_picture(0)] * 8, 8)
    short = write_clip(source, "y", 90, "mp3+jpg").split(",")
    rows = {
        "x/gone": (f"{broken}/gone.mp3,{images},12", "gone.mp3 does not exist"),
        "x/empty": (f"{broken}/empty.wav,{images},12", "has no samples"),
        "x/nan": (f"{broken}/nan.wav,{images},12", "samples that are not finite"),
        "x/text": (f"{broken}/text.mp3,{images},12", "text.mp3"),
        "x/mute": (f"{mute},{mute},8", "mute.mp4 has no sound stream"),
        "y/00000000090": (f"{short[0]},{short[1]},13", "has 12 of 13 images"),
        "c/none": (f"{good.with_name('none.mp3')},{images},0", "NUMBER_FRAMES is 0"),
    }
    with open(source / "train.csv", "a") as file:
        file.writelines(f"{row}\n" for row, _ in rows.values())
    return {clip_id: reason for clip_id, (_, reason) in rows.items()}


@pytest.mark.slow
def test_from_an_index_to_a_page(tmp_path):
    source, data_dir, run = (tmp_path / n for n in ("source", "data", "run"))
    source.mkdir()
    write_index(source, CLIPS)
    reasons = add_broken_rows(source)
    built = call(
        "build_dataset",
        "--dataset=av_clips",
        f"--source={source}",
        f"--data_dir={data_dir}",
        "--num_workers=0",
        "--max_missing=0.5",
        f"--sample_rate_hz={RATE_HZ}",
    )
    assert (built.returncode, lines_of(built)) == (0, [])
    assert "train: 6 clips" in built.stdout
    assert f"{len(reasons)} clips missing or broken" in built.stdout
    (folder,) = data_dir.glob("av_clips/default/*")
    missing = json.loads((folder / "missing.json").read_text())
    assert {entry["clip_id"] for entry in missing} == set(reasons)
    for entry in missing:
        assert reasons[entry["clip_id"]] in entry["reason"]
        assert entry["path"].startswith(str(source))

    config = write_config(tmp_path)
    trained = call(
        "train", config, f"--workdir={run}", f"--config.data.data_dir={data_dir}"
    )
    assert (trained.returncode, trained.stdout, lines_of(trained)) == (0, "", [])
    experiment = from_json((run / "config.json").read_text())
    assert (experiment.name, experiment.data.data_dir) == ("own_clips", str(data_dir))
    check_whole(run)
    lines = (run / "metrics.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in lines]
    assert [line["step"] for line in lines] == [2, 4, 4]
    assert np.isfinite([line["loss"] for line in lines[:2]]).all()
    assert (run / "report" / "index.html").is_file()

    page = tmp_path / "page"
    scored = call("evaluate", f"--workdir={run}", f"--report={page}")
    assert (scored.returncode, scored.stderr) == (0, "")
    card = read_scorecard(run / "scores.json")
    assert card.origin.checkpoint_step == 4
    suite = card.suites["class_distinct"]
    assert len(suite.item_ids) == 3
    for name in ("loss", "si_sdr_db", "sdr_db", "sir_db", "sar_db"):
        total = suite.summaries[name].total
        assert total.num_valid == suite.values[name].size, name
        assert np.isfinite([total.mean, total.low, total.high]).all(), name
    text = (page / "index.html").read_text()
    links = set(re.findall(r'(?:src|href)="([^"#:]+)"', text))
    assert any(link.endswith(".wav") for link in links)
    assert all((page / link).is_file() for link in links)
