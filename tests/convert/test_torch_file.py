import numpy as np
import pytest

from spatialjax.convert.torch_file import read_torch_file
from spatialjax.errors import CheckpointError
from tests.convert import torch_files as write


def _arrays():
    rng = np.random.default_rng(0)
    return {
        "a.weight": rng.normal(size=(2, 3, 4, 5)).astype(np.float32),
        "a.turned": rng.normal(size=(3, 4)).astype(np.float32).T,
        "b.half": rng.normal(size=(7,)).astype(np.float16),
        "b.double": rng.normal(size=(1, 2)),
        "b.num_batches_tracked": np.array(12, np.int64),
        "b.none": np.zeros((0, 3), np.float32),
    }


@pytest.mark.parametrize(
    "save", [write.save_zip, write.save_parameters, write.save_legacy]
)
def test_arrays_come_back(save, tmp_path):
    path, arrays = tmp_path / "weights.pth", _arrays()
    save(path, arrays)
    got = read_torch_file(path)
    assert list(got) == list(arrays)
    for name, array in arrays.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_array_equal(got[name], array)


def test_a_tensor_may_begin_within_its_storage(tmp_path):
    values = np.arange(6, dtype=np.float32)
    content = write.tensor(values[2:], "0", offset=2)
    content = b"\x80\x02}" + write.text("x") + content + b"s."
    write.write_zip(tmp_path / "x.pth", content, [values.tobytes()])
    np.testing.assert_array_equal(read_torch_file(tmp_path / "x.pth")["x"], values[2:])


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (b"os", b"system"),
        (b"builtins", b"eval"),
        (b"collections", b"namedtuple"),
        (b"torch", b"load"),
        (b"torch.nn.modules.conv", b"Conv2d"),
    ],
)
def test_other_names_are_refused_before_they_are_called(module, name, tmp_path):
    mark = tmp_path / "was_here"
    call = write.named(module, name) + b"(" + write.text(f"touch {mark}") + b"tR."
    path = tmp_path / "evil.pth"
    write.write_zip(path, write.PROTOCOL_2 + call)
    with pytest.raises(CheckpointError, match=f"{module.decode()}.{name.decode()}"):
        read_torch_file(path)
    path.write_bytes(write.PROTOCOL_2 + call)
    with pytest.raises(CheckpointError, match="state dict"):
        read_torch_file(path)
    assert not mark.exists()


def _one_line(path):
    with pytest.raises(CheckpointError) as caught:
        read_torch_file(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_a_missing_file_is_named(tmp_path):
    assert "there is no file" in _one_line(tmp_path / "none.pth")


@pytest.mark.parametrize("save", [write.save_zip, write.save_legacy])
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_refused(save, kept, tmp_path):
    path = tmp_path / "weights.pth"
    save(path, _arrays() | {"last": np.ones(200, np.float32)})
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    _one_line(path)


def test_a_tensor_beyond_its_storage_is_refused(tmp_path):
    content = write.state_dict({"x": np.zeros((4, 4), np.float32)})
    write.write_zip(tmp_path / "x.pth", content, [bytes(4 * 15)])
    assert "beyond its 15 stored values" in _one_line(tmp_path / "x.pth")


def test_other_content_is_refused(tmp_path):
    path = tmp_path / "x.pth"
    write.write_zip(path, b"\x80\x02" + write.number(3) + b".")
    assert "holds a int" in _one_line(path)
    entry = write.text("epoch") + write.number(3)
    write.write_zip(path, b"\x80\x02}" + entry + b"s.")
    assert "entry 'epoch' is a int" in _one_line(path)
    storage = b"(" + write.text("module") + write.text("x") + write.text("0") + b"tQ."
    write.write_zip(path, write.PROTOCOL_2 + storage)
    assert "expected a storage" in _one_line(path)
    path.write_bytes(b"\x80\x02" + write.number(3) + b".")
    assert "does not begin" in _one_line(path)


def test_a_zip_of_something_else_is_refused(tmp_path):
    write.zipfile.ZipFile(tmp_path / "x.pth", "w").close()
    assert "without one data.pkl" in _one_line(tmp_path / "x.pth")
