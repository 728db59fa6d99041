import json

import pytest
import tensorflow_datasets as tfds

from spatialjax.errors import DataError
from tests.tfds_builders.fakes import stored_records
from tests.tfds_builders.test_builder import WithBroken

# Beam holds other libraries back, whose warnings are not ours to mend.
pytestmark = [pytest.mark.beam, pytest.mark.filterwarnings("default")]


def build(folder, pipeline, options=(), **kwargs):
    from apache_beam.options.pipeline_options import PipelineOptions

    builder = WithBroken(data_dir=folder, pipeline=pipeline, **kwargs)
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
    assert not list(beam.glob("broken-*"))


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
