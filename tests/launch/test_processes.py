"""How a process is told of the others; that they meet is shown in tests/scale."""

import socket

import jax
import pytest
from absl import flags

from launch import _processes
from spatialjax.errors import ConfigError, DataError, UserError


def join(*words):
    values = flags.FlagValues()
    _processes.define_flags(values)
    values(["program", *words])
    _processes.join(values)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--num_processes=2", "--coordinator is missing"),
        ("--process_id=0", "--coordinator is missing"),
        ("--coordinator=localhost:1234", "needs --num_processes=N and --process_id"),
        ("--coordinator=localhost:1234 --process_id=1", "needs --num_processes=N"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(words, text):
    with pytest.raises(ConfigError, match=text):
        join(*words.split())
    assert not jax.distributed.is_initialized()


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("localhost", "'localhost', expected HOST:PORT"),
        ("localhost:99999", "expected HOST:PORT"),
        ("localhost:port", "expected HOST:PORT"),
        ("no.such.host.invalid:1234", r"no\.such\.host\.invalid:1234 cannot be used"),
    ],
)
def test_an_address_that_cannot_be_is_refused(address, text):
    with pytest.raises(UserError, match=text):
        join(f"--coordinator={address}", "--num_processes=2", "--process_id=1")


def test_a_number_beyond_the_last_is_refused():
    words = "--coordinator=localhost:1234 --num_processes=2 --process_id=2"
    with pytest.raises(ConfigError, match="--process_id is 2, expected 0 to 1"):
        join(*words.split())


def test_a_port_in_use_is_refused():
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        words = f"--coordinator=localhost:{port} --num_processes=2 --process_id=0"
        with pytest.raises(UserError, match=r"cannot be used: Address already in use"):
            join(*words.split())


def test_one_process_meets_nobody():
    join("--num_processes=1")
    assert not _processes.is_one_of_many()
    assert _processes.own_name() == []


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (RuntimeError("UNKNOWN: Gloo AllGather failed: Connection closed by peer"), 1),
        (RuntimeError("UNAVAILABLE: Socket closed"), 1),
        (RuntimeError("DEADLINE_EXCEEDED: Barrier timed out"), 1),
        (RuntimeError("RESOURCE_EXHAUSTED: out of memory"), 0),
        (DataError("the clip 'barrier' is damaged"), 0),
        (ValueError("a defect"), 0),
    ],
)
def test_a_lost_process_is_told_by_the_words_of_the_cause(error, is_lost):
    assert _processes.is_lost_peer(error) == bool(is_lost)
    outer = DataError("cannot write a checkpoint")
    outer.__cause__ = error
    assert _processes.is_lost_peer(outer) == bool(is_lost)
