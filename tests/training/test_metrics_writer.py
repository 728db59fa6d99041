import io
import json

import pytest

from spatialjax.errors import UserError
from spatialjax.training.metrics_writer import (
    MetricsWriter,
    append_line,
    clock,
    drop_lines_after,
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_lines_beyond_the_restored_step_are_dropped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with MetricsWriter(tmp_path, 0, 9, stream=io.StringIO()) as writer:
        for step in (2, 4, 6):
            writer.write(step, {"loss": step / 2})
    whole = path.read_text()
    with path.open("a") as file:
        file.write('{"step": 8, "lo')  # killed while writing
    with MetricsWriter(tmp_path, 4, 9, stream=io.StringIO()) as writer:
        kept = path.read_text().splitlines()
        assert [json.loads(line)["step"] for line in kept] == [2, 4]
        writer.write(6, {"loss": 3.0})
    assert path.read_text() == whole


@pytest.mark.parametrize(
    "damage", [b'{"step": 4, "lo\n', b"\0\0\0\n", b"\xff\xfe\n", b"3\n", b"{}\n", b"{"]
)
def test_a_damaged_line_ends_the_good_ones(tmp_path, damage):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 2}\n' + damage)
    drop_lines_after(path, 4)
    assert path.read_bytes() == b'{"step": 2}\n'


def test_a_fresh_start_keeps_no_lines(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 3}\n')
    drop_lines_after(tmp_path / "metrics.jsonl", 0)
    assert (tmp_path / "metrics.jsonl").read_text() == ""
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_tensorboard_gets_the_same_figures(tmp_path):
    with MetricsWriter(tmp_path, 0, 9, stream=io.StringIO()) as writer:
        writer.write(1, {"loss": 0.5})
        writer.write_speed(1, {"steps_per_s": 2.0})
    (events,) = (tmp_path / "tensorboard").iterdir()
    data = events.read_bytes()
    assert b"loss" in data
    assert b"steps_per_s" in data


def test_other_processes_write_nothing(tmp_path):
    stream = io.StringIO()
    with MetricsWriter(tmp_path, 0, 9, enabled=False, stream=stream) as writer:
        writer.write(1, {"loss": 0.5})
        writer.progress(1, 0.5, 1.0, "")
        writer.say("hello")
    assert not list(tmp_path.iterdir())
    assert stream.getvalue() == ""


def test_a_terminal_sees_one_line_and_a_file_many(tmp_path):
    for stream, breaks in ((Terminal(), 1), (io.StringIO(), 2)):
        with MetricsWriter(tmp_path, 0, 10, stream=stream) as writer:
            writer.progress(4, 0.25, 2.0, "input wait 1%")
            writer.progress(5, 0.25, 2.0, "input wait 1%")
        text = stream.getvalue()
        assert "step 4/10  loss 0.25  2 steps/s  input wait 1%  0:00:03 left" in text
        assert text.count("\n") == breaks


def test_a_clock_reads_hours_minutes_seconds():
    assert [clock(0.4), clock(75), clock(3 * 3600 + 61)] == [
        "0:00:00", "0:01:15", "3:01:01",
    ]  # fmt: skip


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"metrics.jsonl cannot be written"):
        append_line(tmp_path / "missing" / "metrics.jsonl", "{}")
