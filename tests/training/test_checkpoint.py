import os
import pathlib

import jax
import numpy as np
import pytest

from spatialjax.errors import CheckpointError, ConfigError
from spatialjax.training.checkpoint import (
    CheckpointConfig,
    Checkpoints,
    abstract,
)

TREE = {
    "step": np.array(3, np.int32),
    "params": {"sound": {"kernel": np.arange(2000, dtype=np.float32)}},
    "state": {},
    "opt_state": (np.ones(2, np.float32), {"mu": np.zeros((), np.float32)}),
}
METADATA = {"seed": 7, "config": {"a": 1}}


def write(workdir, steps=(1,), config=None, scores=None):
    with Checkpoints(workdir, config or CheckpointConfig(keep=10)) as checkpoints:
        for step in steps:
            checkpoints.save(step, TREE, METADATA)
            if scores and step in scores:
                checkpoints.add_scores(step, scores[step])


def test_a_tree_comes_back_whole_and_in_part(tmp_path):
    write(tmp_path)
    with Checkpoints(tmp_path) as checkpoints:
        restored = checkpoints.restore(1, abstract(TREE))
        part = checkpoints.restore(1, abstract({"params": TREE["params"]}))
        metadata = checkpoints.metadata(1)
    assert jax.tree.structure(restored) == jax.tree.structure(TREE)
    jax.tree.map(np.testing.assert_array_equal, restored, TREE)
    jax.tree.map(np.testing.assert_array_equal, part["params"], TREE["params"])
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(restored))
    assert (metadata["step"], metadata["seed"], metadata["format"]) == (1, 7, 2)


def test_the_newest_and_the_best_stay(tmp_path):
    scores = {
        1: {"loss": 0.5, "sdr_db": 9.0},
        2: {"loss": 0.1, "sdr_db": 2.0},
        3: {"loss": 0.3, "sdr_db": float("nan")},
        5: {"loss": float("-inf"), "sdr_db": 1.0},
    }
    config = CheckpointConfig(keep=2, best=("loss:min", "sdr_db:max"))
    write(tmp_path, (1, 2, 3), config, scores)
    write(tmp_path, (4, 5, 6, 7), config, scores)  # a resumed run knows the scores
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps() == [1, 2, 6, 7]
        assert checkpoints.find() == checkpoints.latest() == 7
        assert checkpoints.find("loss:min") == 2
        assert checkpoints.find("sdr_db:max") == 1
        assert checkpoints.find("6") == 6
        with pytest.raises(CheckpointError, match=r"no step 3, only \[1, 2, 6, 7\]"):
            checkpoints.find("3")
        with pytest.raises(CheckpointError, match="did you mean 'sdr_db'"):
            checkpoints.find("sdr:max")


def test_the_best_but_one_goes_when_the_best_is_known(tmp_path):
    config = CheckpointConfig(keep=1)
    with Checkpoints(tmp_path, config) as checkpoints:
        for step, loss in ((1, 0.5), (2, 0.4)):
            checkpoints.save(step, TREE, METADATA)
            checkpoints.add_scores(step, {"loss": loss})
        assert checkpoints.steps() == [2]
        assert checkpoints.metadata(2)["scores"] == {"loss": 0.4}
        jax.tree.map(
            np.testing.assert_array_equal, checkpoints.restore(2, abstract(TREE)), TREE
        )
    assert not list(tmp_path.rglob("*tmp*"))


def test_scores_that_a_rule_lacks_are_not_entered(tmp_path):
    with Checkpoints(tmp_path, CheckpointConfig(best=("sdr:max",))) as checkpoints:
        checkpoints.save(1, TREE, METADATA)
        with pytest.raises(ConfigError, match="no 'sdr'; did you mean 'sdr_db'"):
            checkpoints.add_scores(1, {"sdr_db": 1.0})
        checkpoints.wait()
        assert checkpoints.metadata(1)["scores"] == {}


def test_the_room_that_is_asked_for_holds_the_checkpoint(tmp_path, monkeypatch):
    """Many small arrays and a long config: most of it is neither of the arrays'."""
    asked = []
    monkeypatch.setattr(os, "posix_fallocate", lambda *place: asked.append(place[2]))
    arrays = {f"{'layer' * 9}{i}": np.array([i], np.float32) for i in range(300)}
    with Checkpoints(tmp_path, CheckpointConfig()) as checkpoints:
        checkpoints.save(1, arrays, {"config": {"text": "x" * 200_000}})
        checkpoints.wait()
    files = [p for p in (tmp_path / "checkpoints").rglob("*") if p.is_file()]
    assert asked[0] >= sum(path.stat().st_size for path in files)


def test_an_empty_folder_says_so(tmp_path):
    with (
        Checkpoints(tmp_path) as checkpoints,
        pytest.raises(CheckpointError, match="no checkpoint"),
    ):
        checkpoints.find()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"sound": {"kernels": np.zeros(2000, np.float32)}}, "did you mean"),
        ({"sound": {"kernel": np.zeros(1999, np.float32)}}, r"\[2000\] float32, exp"),
        ({"sound": {"kernel": np.zeros(2000, np.int32)}}, "expected .* int32"),
        ({}, "it has params/sound/kernel, which this one lacks"),
    ],
)
def test_another_model_is_told_by_its_first_difference(tmp_path, params, text):
    write(tmp_path)
    like = {**TREE, "params": params}
    with (
        Checkpoints(tmp_path) as checkpoints,
        pytest.raises(CheckpointError, match=text) as caught,
    ):
        checkpoints.restore(1, abstract(like))
    assert "\n" not in str(caught.value)


def damage(path, how):
    data = path.read_bytes()
    if how == "flip":
        middle = len(data) // 2
        data = data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]
    path.unlink()
    if how != "remove":
        path.write_bytes(data[: len(data) // 2] if how == "halve" else data)


@pytest.mark.parametrize("how", ["halve", "flip", "remove"])
@pytest.mark.parametrize("part", ["largest", "arrays/_METADATA", "metadata/metadata"])
def test_a_damaged_checkpoint_is_one_line(tmp_path, how, part):
    write(tmp_path, (1, 2))
    folder = tmp_path / "checkpoints" / "2"
    files = [path for path in folder.rglob("*") if path.is_file()]
    largest = max(files, key=lambda path: path.stat().st_size)
    damage(largest if part == "largest" else folder / part, how)
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(CheckpointError) as caught:
            checkpoints.restore(2, abstract(TREE))
        assert "\n" not in str(caught.value)
        assert "is damaged" in str(caught.value)
        assert "there are others, of steps 1" in str(caught.value)
        jax.tree.map(
            np.testing.assert_array_equal, checkpoints.restore(1, abstract(TREE)), TREE
        )


@pytest.mark.parametrize("text", ["flip", "halve", "remove", "{}", '"scores": 3'])
def test_an_older_checkpoint_of_damaged_text_has_no_scores(tmp_path, capsys, text):
    scores = {step: {"loss": float(step)} for step in (1, 2, 3)}
    write(tmp_path, (1, 2, 3), scores=scores)
    path = tmp_path / "checkpoints" / "1" / "metadata" / "metadata"
    if text == "{}":
        path.write_text('{"format": 2}')
    elif text.startswith('"scores"'):
        path.write_text('{"format": 2, "scores": 3}')
    else:
        damage(path, text)
    config = CheckpointConfig(keep=1)
    with Checkpoints(tmp_path, config) as checkpoints:
        lines = capsys.readouterr().err.splitlines()
        checkpoints.save(4, TREE, METADATA)
        checkpoints.add_scores(4, {"loss": 4.0})
        assert checkpoints.steps() == [2, 4]
        assert checkpoints.find("loss:min") == 2
    assert len(lines) == 1
    assert lines[0].startswith("warning: checkpoint ")
    assert lines[0].endswith("; its scores do not count")
    assert "checkpoints/1 is damaged: " in lines[0]


def test_a_newer_format_is_refused(tmp_path):
    write(tmp_path)
    path = tmp_path / "checkpoints" / "1" / "metadata" / "metadata"
    path.write_text(path.read_text().replace('"format": 2', '"format": 9'))
    with (
        Checkpoints(tmp_path) as checkpoints,
        pytest.raises(CheckpointError, match="format 9, this version reads 2"),
    ):
        checkpoints.metadata(1)


def test_an_unfinished_checkpoint_does_not_count_and_is_cleared(tmp_path):
    write(tmp_path)
    unfinished = tmp_path / "checkpoints" / "2.orbax-checkpoint-tmp"
    (unfinished / "arrays").mkdir(parents=True)
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps() == [1]
    assert unfinished.exists()  # a reader leaves a writer's work alone
    write(tmp_path, (2,))
    assert not unfinished.exists()
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps() == [1, 2]


def test_a_place_below_a_file_is_one_line(tmp_path):
    file = pathlib.Path(tmp_path / "file")
    file.write_text("")
    with pytest.raises(CheckpointError, match="cannot open"):
        Checkpoints(file, CheckpointConfig())
