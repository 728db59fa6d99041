import json

import numpy as np
import pytest
from PIL import Image

from tests.integration.user import call
from tests.launch.test_build_dataset import last_line
from tests.tfds_builders.raw.videos import write_collection

LABELS = ("cello", "tuba", "cello tuba")


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """What `preprocess` makes of three videos a class, and pictures of empty rooms."""
    root = tmp_path_factory.mktemp("own")
    videos = write_collection(root / "videos", LABELS, per_class=3)
    output = root / "media"
    done = call("preprocess", f"--source={videos}", f"--output={output}", "--workers=0")
    assert done.returncode == 0, done.stderr
    (root / "rooms").mkdir()
    Image.fromarray(np.full((90, 160, 3), 99, np.uint8)).save(root / "rooms/1.png")
    return output


def index(media, *words):
    output = f"--output={media / 'index'}"
    return call("build_index", f"--source={media}", output, "--min_images=8", *words)


def test_from_videos_to_a_dataset(media, tmp_path):
    done = index(media, f"--silence_pictures={media.parent / 'rooms'}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "train: 5 clips of 3 classes",
        "val: 2 clips of 2 classes",
        "test: 3 clips of 1 class",
        "duets: cello tuba",
        f"0 clips left out, see {media}/index/index.json",
        f"index in {media}/index",
    ]
    done = call(
        "build_dataset",
        "--dataset=av_clips/music",
        f"--source={media / 'index'}",
        f"--data_dir={tmp_path}",
        "--num_workers=0",
        "--max_missing=0",
    )
    assert done.returncode == 0, done.stderr
    clips = json.loads((tmp_path / "av_clips/music/1.0.0/clips.json").read_text())
    assert clips["classes"] == ["cello", "silence", "tuba"]
    splits = clips["splits"]
    assert {split: len(members) for split, members in splits.items()} == {
        "train": 5,
        "validation": 2,
        "test": 3,
    }
    quiet = clips["classes"].index("silence")
    for split, members in splits.items():
        for clip in members:
            is_quiet = clip["class_ids"] == [quiet]
            assert clip["num_images"] == (1 if is_quiet else 8)
            assert not is_quiet or split == "train"
            assert (clip["class_ids"] == [-1]) == (split == "test")


def test_rules_are_flags(media):
    done = index(
        media,
        "--noduets_to_test",
        "--validation_share=0",
        "--test_share=0",
        "--seed=7",
    )
    assert done.stdout.splitlines()[:2] == [
        "train: 9 clips of 3 classes",
        "val: 0 clips of 0 classes",
    ]
    assert json.loads((media / "index" / "index.json").read_text())["rules"] == {
        "min_images": 8,
        "validation_share": 0.0,
        "test_share": 0.0,
        "duets_to_test": False,
        "seed": 7,
    }
    assert not (media / "index" / "val.csv").exists()


def test_one_line_for_a_mistake(media, tmp_path):
    assert "which leaves nothing for training" in last_line(
        index(media, "--validation_share=0.6", "--test_share=0.4")
    )
    assert "has no folders audio and frames" in last_line(index(tmp_path))
    assert last_line(call("build_index", "--source=x")).endswith("--output is required")
    assert "--min_images=-1" in last_line(index(media, "--min_images=-1"))
