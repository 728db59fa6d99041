import json
import pathlib
import subprocess
import sys

import pytest
import tensorflow_datasets as tfds

from spatialjax.errors import DataError
from tests.tfds_builders.fakes import FakeDataset, stored_records
from tests.tfds_builders.test_builder import WithBroken

# Beam holds other libraries back, whose warnings are not ours to mend.
pytestmark = [pytest.mark.beam, pytest.mark.filterwarnings("default")]


ROOT = pathlib.Path(__file__).parents[2]


class OneSplitBroken(FakeDataset, skip_registration=True):
    """The clips of one of the two splits cannot be loaded."""

    broken = frozenset({5, 6})


class OddSegments(FakeDataset, skip_registration=True):
    """No clip can be cut."""

    segment_s = 0.0005


def build(folder, pipeline, options=(), dataset=WithBroken, **kwargs):
    from apache_beam.options.pipeline_options import PipelineOptions

    builder = dataset(data_dir=folder, pipeline=pipeline, **kwargs)
    config = tfds.download.DownloadConfig(
        beam_options=PipelineOptions(["--runner=DirectRunner", *options]), num_shards=2
    )
    builder.download_and_prepare(download_config=config)
    return builder.data_path


def test_both_pipelines_store_the_same(tmp_path):
    local = build(tmp_path / "local", "local", max_missing=0.5)
    beam = build(tmp_path / "beam", "beam", max_missing=0.5)
    assert stored_records(beam) == stored_records(local)
    for name in ("clips.json", "manifest.json", "missing.json"):
        assert json.loads((beam / name).read_text()) == json.loads(
            (local / name).read_text()
        )
    assert not list(beam.glob("unused-*"))


def test_records_are_equal_byte_for_byte(tmp_path):
    from array_record.python.array_record_module import ArrayRecordReader

    def raw(folder, split):
        return [
            record
            for path in sorted(folder.glob(f"*-{split}.array_record*"))
            for record in ArrayRecordReader(str(path)).read_all()
        ]

    local = build(tmp_path / "local", "local", max_missing=0.5)
    beam = build(tmp_path / "beam", "beam", max_missing=0.5)
    for split in ("train", "test"):
        assert raw(beam, split) == raw(local, split)


def test_too_many_broken_clips(tmp_path):
    with pytest.raises(DataError, match="of 7 clips are missing or broken"):
        build(tmp_path, "beam", max_missing=0.1)
    assert not list(tmp_path.rglob("*.array_record*"))


@pytest.mark.parametrize(
    ("dataset", "max_missing", "words"),
    [
        (OneSplitBroken, 0.5, "split 'test' has no clip that can be used; the first, "),
        (OneSplitBroken, 0.1, "at least 1 of 7 clips are missing or broken"),
        (OddSegments, 0.5, "is no whole number of samples"),
    ],
)
def test_both_pipelines_refuse_alike(tmp_path, caplog, dataset, max_missing, words):
    texts = []
    for pipeline in ("local", "beam"):
        with pytest.raises(DataError, match=words) as caught:
            build(tmp_path, pipeline, dataset=dataset, max_missing=max_missing)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
    assert "Traceback" not in caplog.text


def launch(*words):
    command = [sys.executable, "-m", "launch.build_dataset", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_program(tmp_path):
    done = launch(
        "--dataset=toy_band/tiny",
        f"--data_dir={tmp_path}",
        "--pipeline=beam",
        "--beam_options=--runner=DirectRunner",
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "toy_band" / "tiny" / "1.0.0"
    assert done.stdout.splitlines()[-1] == f"dataset in {folder}"
    assert set(stored_records(folder)) == {"duets", "test", "train", "validation"}


def test_program_says_in_one_line_that_nothing_is_of_use(tmp_path):
    (tmp_path / "train.csv").write_text("a.wav,f,8\nb.wav,g,8\n")
    done = launch(
        "--dataset=av_clips",
        f"--source={tmp_path}",
        f"--data_dir={tmp_path / 'data'}",
        "--pipeline=beam",
        "--max_missing=1",
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("build_dataset: split 'train' has no clip that can be used")
    assert not (tmp_path / "data").exists()


def test_build_passes_the_options(tmp_path):
    from tests.media.make import number_picture, tone, write_video
    from tfds_builders.build import build

    for index in range(2):
        (tmp_path / "source" / "violin").mkdir(parents=True, exist_ok=True)
        write_video(
            tmp_path / "source" / "violin" / f"{index}.mp4",
            [number_picture(i) for i in range(8)],
            8,
            tone(1.0, 22050),
        )
    folders = [
        build(
            "av_clips",
            tmp_path / pipeline,
            source=str(tmp_path / "source"),
            pipeline=pipeline,
            beam_options=options,
        )
        for pipeline, options in (("local", ()), ("beam", ("--runner=DirectRunner",)))
    ]
    assert stored_records(folders[0]) == stored_records(folders[1])
