import numpy as np
import pytest

from spatialjax.errors import DataError
from spatialjax.tasks import HostScored, Task, Trainable, check_batch
from tests.fakes import FakeTask, fake_batch


def test_what_has_the_methods_is_a_task():
    task = FakeTask()
    assert isinstance(task, Task)
    assert isinstance(task, Trainable)
    assert isinstance(task, HostScored)
    assert not isinstance(object(), Task)


def test_check_batch_counts_the_rows():
    task = FakeTask()
    assert check_batch(task.batch_spec, fake_batch(task, rows=5)) == 5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda b: b.pop("gain"), "lacks gain"),
        (lambda b: b.update(extra=np.zeros(5)), "holds extra"),
        (lambda b: b.update(gain=np.zeros((4, 2), np.float32)), "rows"),
        (lambda b: b.update(gain=np.zeros((5, 3), np.float32)), r"\[3\] float32"),
        (lambda b: b.update(gain=np.zeros((5, 2))), "float64"),
    ],
)
def test_check_batch_names_what_is_wrong(change, says):
    task = FakeTask()
    batch = fake_batch(task, rows=5)
    change(batch)
    with pytest.raises(DataError, match=says):
        check_batch(task.batch_spec, batch)
