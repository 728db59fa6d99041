"""Writes of a process are over when they say so, and fail by whatever they say."""

import sys
import types

import orbax.checkpoint as ocp
import pytest

from spatialjax.errors import CheckpointError, MediaError
from spatialjax.training import checkpoint_writes
from spatialjax.training.checkpoint import CheckpointConfig, Checkpoints
from spatialjax.training.checkpoint_files import finished_steps
from spatialjax.training.checkpoint_writes import OwnWrites


class StoreError(Exception):
    """As those of a store: of no common kind."""


class Write:
    def __init__(self, error=None):
        self.error = error

    def result(self, timeout=None):
        if self.error is not None:
            raise self.error
        return "written"


@pytest.mark.parametrize("error", [OSError("full"), StoreError("no"), SystemExit(3)])
def test_a_write_that_fails_is_told_by_any_error(error):
    writes = OwnWrites()
    good, bad = writes.watch([Write(), Write(error)])
    assert good.result() == "written"
    writes.check()
    with pytest.raises(type(error)):
        bad.result()
    for ask in (writes.check, writes.wait):
        with pytest.raises(type(error)):
            ask()


def test_a_write_that_does_not_end_is_given_up(monkeypatch):
    monkeypatch.setattr(checkpoint_writes, "LONGEST_S", 0.0)
    writes = OwnWrites()
    writes.wait()
    (write,) = writes.watch([Write()])
    with pytest.raises(TimeoutError, match="not written after 0 minutes"):
        writes.wait()
    write.result()
    writes.wait()


@pytest.fixture
def store(monkeypatch):
    """The module of a store that is in use, with its error."""
    module = types.SimpleNamespace(HttpError=StoreError)
    monkeypatch.setitem(sys.modules, "gcsfs.retry", module)


def test_what_a_store_says_is_one_line(store, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise StoreError("503\nnot now")

    with Checkpoints(tmp_path, CheckpointConfig()) as checkpoints:
        monkeypatch.setattr(checkpoints._writes, "check", refuse)
        with pytest.raises(CheckpointError, match=r"cannot write a checkpoint .*503"):
            checkpoints.check()
    monkeypatch.setattr(ocp.utils, "is_checkpoint_finalized", refuse)
    (tmp_path / "checkpoints" / "3").mkdir()
    with pytest.raises(MediaError, match=r"cannot read .*checkpoints: 503 not"):
        finished_steps(tmp_path / "checkpoints")
