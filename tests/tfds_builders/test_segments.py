import dataclasses
import hashlib
import json

import numpy as np
import pytest

from spatialjax.errors import DataError
from tests.tfds_builders.fakes import RATE_HZ, FakeDataset, clip_media, jpeg
from tfds_builders.segments import MAX_SEGMENTS, finish, records, write_json


class TestClipMedia:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"audio": np.zeros((1, 10), np.int16)}, "expected int16"),
            ({"audio": np.zeros((1, 1, 10), np.float32)}, "audio is float32"),
            ({"audio": np.zeros((1, 1, 0), np.int16)}, "no samples"),
            ({"images": []}, "no images"),
            ({"image_rate_hz": float("inf")}, "rates 1000 and inf Hz"),
            ({"sample_rate_hz": 0}, "rates 0 and 2.0 Hz"),
            ({"class_names": ()}, "0 classes, 1 sources"),
            ({"boxes": np.zeros((2, 4))}, r"expected \[1, 4\]"),
            (
                {"images": [jpeg(0)] * 11},
                r"11 images at 2 Hz outlast the sound of 5\.000",
            ),
        ],
    )
    def test_refuses(self, changes, words):
        with pytest.raises(DataError, match=words) as caught:
            clip_media(**changes)
        assert str(caught.value).startswith("clip 'a/1': ")


class TestRecords:
    def test_audio_and_images_lie_where_they_belong(self):
        clip = clip_media(seconds=5.0, image_rate_hz=3.0)
        pairs = list(records(3, clip, 2.0))
        assert [key for key, _ in pairs] == [3 * MAX_SEGMENTS + k for k in range(3)]
        examples = [example for _, example in pairs]
        assert [e["segment"] for e in examples] == [0, 1, 2]
        assert [e["audio"].shape for e in examples] == [
            (1, 1, 2000),
            (1, 1, 2000),
            (1, 1, 1000),
        ]
        joined = np.concatenate([e["audio"] for e in examples], 2)
        np.testing.assert_array_equal(joined, clip.audio)
        for segment, example in enumerate(examples):
            expected = [
                clip.images[i] for i in range(15) if (i + 0.5) / 3.0 // 2.0 == segment
            ]
            assert example["images"] == expected

    def test_metadata_of_the_clip(self):
        boxes = np.array([[0.0, 0.25, 0.5, 0.5]])
        ((_, example),) = records(0, clip_media(seconds=1.0, boxes=boxes), 2.0)
        assert json.loads(example["clip"]) == {
            "clip_id": "a/1",
            "segment_s": 2.0,
            "sample_rate_hz": RATE_HZ,
            "channels": 1,
            "num_sources": 1,
            "num_samples": 1000,
            "num_segments": 1,
            "num_images": 2,
            "image_rate_hz": 2.0,
            "height": 8,
            "width": 12,
            "class_names": ["a"],
            "boxes": [[0.0, 0.25, 0.5, 0.5]],
        }

    def test_pictures_may_end_before_the_sound(self):
        clip = clip_media(seconds=5.0, images=[jpeg(0)])
        assert [len(e["images"]) for _, e in records(0, clip, 2.0)] == [1, 0, 0]

    def test_keys_of_clips_do_not_overlap(self):
        last = max(key for key, _ in records(0, clip_media(seconds=50.0), 0.5))
        assert last < next(records(1, clip_media(), 0.5))[0]

    def test_segment_of_part_of_a_sample(self):
        with pytest.raises(DataError, match="no whole number of samples"):
            next(records(0, clip_media(), 0.0015))

    def test_too_many_segments(self):
        audio = np.broadcast_to(np.int16(0), (1, 1, MAX_SEGMENTS + 1))
        with pytest.raises(DataError, match="at most 1048576 are possible"):
            next(records(0, clip_media(audio=audio), 1 / RATE_HZ))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    builder = FakeDataset(data_dir=tmp_path_factory.mktemp("data"))
    builder.download_and_prepare()
    return builder


class TestFinish:
    def test_clips(self, dataset):
        clips = json.loads((dataset.data_path / "clips.json").read_text())
        assert {k: v for k, v in clips.items() if k != "splits"} == {
            "format": 1,
            "segment_s": 2.0,
            "sample_rate_hz": RATE_HZ,
            "channels": 1,
            "classes": ["a", "b"],
        }
        train = clips["splits"]["train"]
        assert [clip["clip_id"] for clip in train] == [f"a/{i}" for i in range(5)]
        assert [clip["num_records"] for clip in train] == [2, 3, 4, 5, 7]
        assert [clip["first_record"] for clip in train] == [0, 2, 5, 9, 14]
        assert clips["splits"]["test"][0]["first_record"] == 0
        first = {k: v for k, v in train[1].items() if k != "sha256"}
        assert first == {
            "clip_id": "a/1",
            "first_record": 2,
            "num_records": 3,
            "num_samples": 5000,
            "num_images": 10,
            "image_rate_hz": 2.0,
            "height": 8,
            "width": 12,
            "num_sources": 1,
            "class_ids": [0],
            "boxes": None,
        }

    def test_records_are_those_of_the_clip(self, dataset):
        source = dataset.as_data_source("train")
        stored = np.concatenate([source[i]["audio"] for i in (2, 3, 4)], 2)
        clip = clip_media("a/1", 5.0, seed=1)
        np.testing.assert_array_equal(stored, clip.audio)
        images = [image for i in (2, 3, 4) for image in source[i]["images"]]
        assert images == clip.images

    def test_manifest(self, dataset):
        manifest = json.loads((dataset.data_path / "manifest.json").read_text())
        clips = json.loads((dataset.data_path / "clips.json").read_text())["splits"]
        digest = hashlib.sha256()
        for split in ("test", "train"):
            for clip, entry in zip(
                clips[split], manifest["splits"][split], strict=True
            ):
                digest.update(bytes.fromhex(clip["sha256"]))
                assert entry["sha256"] == clip["sha256"]
                assert entry["duration_s"] == clip["num_samples"] / RATE_HZ
                assert entry["num_images"] == clip["num_images"]
        assert manifest["hash"] == digest.hexdigest()
        assert set(manifest["versions"]) >= {"spatialjax", "av", "numpy"}

    def test_hash_depends_on_samples_images_and_labels(self, tmp_path):
        def hash_of(name, **changes):
            class Changed(FakeDataset, skip_registration=True):
                def clips(self):
                    return {"train": [Loaded(clip_media(seconds=3.0, **changes))]}

            builder = Changed(data_dir=tmp_path / name)
            builder.download_and_prepare()
            return finish(builder.data_dir, ("a",))

        samples = np.zeros((1, 1, 3000), np.int16)
        images = [jpeg(i + (i == 4)) for i in range(6)]
        hashes = [
            hash_of("0"),
            hash_of("1", audio=samples),
            hash_of("2", images=images),
            hash_of("3", class_names=("b",)),
        ]
        assert len(set(hashes)) == 4
        assert hash_of("4") == hashes[0]

    def test_one_rate_in_a_dataset(self, tmp_path):
        class Mixed(FakeDataset, skip_registration=True):
            def clips(self):
                other = clip_media("a/2", sample_rate_hz=500)
                return {"train": [Loaded(clip_media()), Loaded(other)]}

        with pytest.raises(DataError, match="sample_rate_hz 500, the clips before"):
            Mixed(data_dir=tmp_path).download_and_prepare()

    def test_records_out_of_order(self, dataset, tmp_path, monkeypatch):
        source = list(dataset.as_data_source("train"))
        source[3], source[4] = source[4], source[3]

        class Builder:
            info = dataset.info

            def as_data_source(self, split):
                return source

        monkeypatch.setattr(
            "tensorflow_datasets.builder_from_directory", lambda _: Builder()
        )
        with pytest.raises(DataError, match=r"record 3 .* is not segment 1 of clip"):
            finish(tmp_path, ("a",))
        assert not list(tmp_path.iterdir())


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A clip that is there already."""

    media: object
    clip_id = "a/1"
    path = ""

    def load(self):
        return self.media


def test_json_appears_whole_or_not_at_all(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"b": object()})
    assert json.loads((tmp_path / "a.json").read_text()) == {"b": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


class TestSoundField:
    """What a clip may hold besides: a channel mask, optical flow, true directions."""

    def test_is_stored_with_the_clip(self):
        directions = np.array([[[0.5, -0.25], [0.75, 0.0]]], np.float32)
        clip = clip_media(
            seconds=1.0,
            audio=np.zeros((1, 4, 1000), np.int16),
            channel_mask=(True, True, False, True),
            flow=[b"one", b"two"],
            source_directions=directions,
        )
        ((_, example),) = records(0, clip, 2.0)
        assert example["flow"] == [b"one", b"two"]
        stored = json.loads(example["clip"])
        assert stored["channel_mask"] == [True, True, False, True]
        assert stored["has_flow"] is True
        np.testing.assert_allclose(stored["source_directions"], directions, atol=1e-5)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"channel_mask": (True, False)}, "a mask of 2 channels, expected 1"),
            ({"flow": [b""]}, "1 flows, 10 images"),
            (
                {"source_directions": np.zeros((1, 3, 2))},
                r"source_directions \[1, 3, 2\], expected \[p, 10, 2\]",
            ),
        ],
    )
    def test_refuses(self, changes, words):
        with pytest.raises(DataError, match=words):
            clip_media(**changes)
