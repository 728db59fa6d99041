import json

import numpy as np
import pytest
import tensorflow_datasets as tfds

from spatialjax.errors import ConfigError, DataError
from spatialjax.media.flow import decode_flow
from tests.tfds_builders.ambix_video.recordings import (
    HEIGHT,
    RATE_HZ,
    write_published,
    write_sphere,
)
from tfds_builders.ambix_video import AmbixVideo

SETTINGS = {"sample_rate_hz": RATE_HZ, "short_side": HEIGHT}


def prepare(tmp_path, source, config="default", max_missing=0.0, **settings):
    builder = AmbixVideo(
        config=config,
        data_dir=tmp_path / "data",
        source=str(source),
        settings={**SETTINGS, **settings},
        max_missing=max_missing,
    )
    builder.download_and_prepare()
    clips, missing = (
        json.loads((builder.data_path / f"{name}.json").read_text())
        for name in ("clips", "missing")
    )
    return builder.data_path, clips, missing


def ids(clips):
    return {
        split: [clip["clip_id"] for clip in members]
        for split, members in clips["splits"].items()
    }


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Four clips and the lists; one id is gone."""
    root = tmp_path_factory.mktemp("db")
    for number in range(4):
        write_published(root / f"id{number}", 1, 10 * number)
    subsets = root / "meta" / "subsets"
    subsets.mkdir(parents=True)
    (subsets / "YT-Music.train.2.lst").write_text("id0\nid1\ngone\nid2")
    (subsets / "YT-Music.test.2.lst").write_text("id3")
    layouts = "id0 WXYZ\nid1 WXY\nid2 WXYZ\nid3 WXY\ngone WXYZ"
    (root / "meta" / "audio_layouts.txt").write_text(layouts)
    return root


def test_published_lists(tmp_path, database):
    folder, clips, missing = prepare(tmp_path, database, "yt_music_2", 0.3)
    assert folder.parts[-3:-1] == ("ambix_video", "yt_music_2")
    found = ids(clips)
    assert found["test"] == ["id3"]
    assert sorted(found["train"] + found["validation"]) == ["id0", "id1", "id2"]
    assert [(entry["clip_id"], entry["reason"][-14:]) for entry in missing] == [
        ("gone", "does not exist")
    ]
    assert (clips["sample_rate_hz"], clips["channels"]) == (RATE_HZ, 4)
    masks = {
        clip["clip_id"]: clip["channel_mask"]
        for members in clips["splits"].values()
        for clip in members
    }
    assert masks["id0"] == [True, True, True, True]
    assert masks["id3"] == [True, True, False, True]
    (record,) = tfds.builder_from_directory(folder).as_data_source("test")
    assert record["audio"].shape == (1, 4, RATE_HZ)
    assert len(record["images"]) == 10


def test_all_clips_of_a_folder(tmp_path, database):
    _, clips, _ = prepare(tmp_path, database)
    found = ids(clips)
    assert {split: len(members) for split, members in found.items()} == {
        "train": 2,
        "validation": 1,
        "test": 1,
    }
    assert {i for part in found.values() for i in part} == {"id0", "id1", "id2", "id3"}


def test_a_folder_of_pairs_with_flow(tmp_path):
    for name in ("train/a", "train/b", "test/c"):
        write_sphere(tmp_path / "source" / f"{name}.mp4")
    write_sphere(tmp_path / "source" / "train" / "flat.mp4", size=(36, 64))
    source = tmp_path / "source"
    folder, clips, missing = prepare(tmp_path, source, max_missing=0.3, flow=True)
    assert ids(clips) == {"train": ["train/a", "train/b"], "test": ["test/c"]}
    assert clips["splits"]["test"][0]["has_flow"] is True
    assert [entry["clip_id"] for entry in missing] == ["train/flat"]
    (record,) = tfds.builder_from_directory(folder).as_data_source("test")
    flows = [decode_flow(content) for content in record["flow"]]
    assert {flow.shape for flow in flows} == {(HEIGHT, 2 * HEIGHT, 2)}
    assert np.any(flows[1] != 0)


def test_hidden_folders_are_left_out_and_links_followed(tmp_path, database):
    source = tmp_path / "source"
    (source / "linked").mkdir(parents=True)
    for name in ("id0", "id1"):
        (source / "linked" / name).symlink_to(database / name)
    write_published(source / ".preprocessing" / "half")
    _, clips, _ = prepare(tmp_path, source)
    found = {clip_id for part in ids(clips).values() for clip_id in part}
    assert found == {"linked/id0", "linked/id1"}


def test_clips_beside_the_splits_are_told(tmp_path):
    for name in ("train/a", "test/b", "extra/c"):
        write_published(tmp_path / "source" / name)
    with pytest.raises(
        DataError, match=r"'extra/c' is in no split, others .* test, tr"
    ):
        prepare(tmp_path, tmp_path / "source")


def test_mistakes(tmp_path, database):
    with pytest.raises(DataError, match="'' is no folder"):
        prepare(tmp_path, "")
    with pytest.raises(DataError, match=r"there is no YT-Music\.train\.1\.lst"):
        prepare(tmp_path, database, "yt_music_1")
    with pytest.raises(ConfigError, match="no setting channels here: known"):
        prepare(tmp_path, database, channels=4)
    with pytest.raises(ConfigError, match="order is 0"):
        prepare(tmp_path, database, order=0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has no videos"):
        prepare(tmp_path, tmp_path / "empty")


def test_layouts_are_needed_for_the_published_lists(tmp_path, database):
    for name in ("id0", "id3"):
        (tmp_path / name).symlink_to(database / name)
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "subsets").symlink_to(database / "meta" / "subsets")
    with pytest.raises(DataError, match=r"no audio_layouts\.txt tells which channels"):
        prepare(tmp_path, tmp_path, "yt_music_2")


def test_metadata_of_the_builder(tmp_path):
    builder = AmbixVideo(data_dir=tmp_path)
    assert "Self-Supervised Generation" in builder.info.citation
    assert "AmbiX" in builder.info.description
    names = [config.name for config in AmbixVideo.BUILDER_CONFIGS]
    assert names[:2] == ["default", "rec_street_1"]
    assert len(names) == 13
