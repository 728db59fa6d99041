import functools

import jax
import numpy as np
import pytest
import safetensors.numpy

from spatialjax.convert import load_resnet18
from spatialjax.errors import CheckpointError
from spatialjax.models import Resnet, ResnetConfig
from spatialjax.nn import EVAL, Functional
from tests.convert import torch_files
from tests.convert.resnet_files import published_arrays
from tests.nn import reference

WIDTH = 4
FUNCTIONAL = Functional(Resnet, ResnetConfig(3, 32, WIDTH))


@functools.cache
def _variables():
    return jax.jit(FUNCTIONAL.init)(jax.random.key(0))


def _reference(x, arrays):
    """The published trunk, in NumPy and with the published names."""

    def conv(name, x, stride, padding):
        kernel = arrays[f"{name}.weight"].transpose(2, 3, 1, 0)
        return reference.conv(x, kernel, stride, padding)

    def norm(name, x):
        get = lambda part: arrays[f"{name}.{part}"]  # noqa: E731
        params = {"scale": get("weight"), "bias": get("bias")}
        state = {"mean": get("running_mean"), "var": get("running_var")}
        return reference.batch_norm(x, params, state, train=False)[0]

    x = reference.max_pool(reference.relu(norm("bn1", conv("conv1", x, 2, 3))))
    for stage in range(4):
        for block in range(2):
            name, stride = f"layer{stage + 1}.{block}", 2 if stage and not block else 1
            y = reference.relu(norm(f"{name}.bn1", conv(f"{name}.conv1", x, stride, 1)))
            y = norm(f"{name}.bn2", conv(f"{name}.conv2", y, 1, 1))
            if f"{name}.downsample.0.weight" in arrays:
                x = conv(f"{name}.downsample.0", x, stride, 0)
                x = norm(f"{name}.downsample.1", x)
            x = reference.relu(x + y)
    return x


def _save(path, arrays, layout):
    if layout == "safetensors":
        safetensors.numpy.save_file(arrays, path)
    else:
        {"zip": torch_files.save_zip, "legacy": torch_files.save_legacy}[layout](
            path, arrays
        )


@pytest.mark.parametrize(
    ("layout", "prefix", "old"),
    [("safetensors", "", False), ("zip", "module.", False), ("legacy", "", True)],
)
def test_published_weights_give_the_published_function(layout, prefix, old, tmp_path):
    published = published_arrays(WIDTH)
    arrays = {
        prefix + name: array
        for name, array in published.items()
        if not (old and name.endswith("num_batches_tracked"))
    }
    path = tmp_path / f"resnet18.{'safetensors' if layout == 'safetensors' else 'pth'}"
    _save(path, arrays, layout)
    params, state = _variables()
    new_params, new_state = load_resnet18(path, params, state)
    for new, old_tree in ((new_params, params), (new_state, state)):
        assert jax.tree.map(np.shape, new) == jax.tree.map(np.shape, old_tree)
    assert new_params["fc"] is params["fc"]
    images = jax.random.normal(jax.random.key(1), (2, 32, 32, 3))
    y, _ = jax.jit(FUNCTIONAL.apply, static_argnums=3)(
        new_params, new_state, images, EVAL
    )
    top = params["fc"]
    expected = _reference(np.float64(images), published)
    expected = reference.conv(expected, top["kernel"], 1, 1, 1, top["bias"])
    np.testing.assert_allclose(y, expected, atol=2e-5 * np.abs(expected).max())


def _refusal(tmp_path, arrays):
    path = tmp_path / "resnet18.safetensors"
    safetensors.numpy.save_file(arrays, path)
    with pytest.raises(CheckpointError) as caught:
        load_resnet18(path, *_variables())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_name_is_reported_with_the_nearest(tmp_path):
    arrays = published_arrays(WIDTH)
    arrays["layer1.0.convl.weight"] = arrays.pop("layer1.0.conv1.weight")
    message = _refusal(tmp_path, arrays)
    assert "lacks 'layer1.0.conv1.weight'" in message
    assert "did you mean 'layer1.0.convl.weight'" in message


def test_an_unknown_name_is_reported(tmp_path):
    arrays = published_arrays(WIDTH) | {"layer1.2.conv1.weight": np.ones(1, np.float32)}
    message = _refusal(tmp_path, arrays)
    assert "holds 'layer1.2.conv1.weight'" in message


def test_another_shape_is_reported(tmp_path):
    message = _refusal(tmp_path, published_arrays(2 * WIDTH))
    assert "'bn1.bias' has shape [8], the network [4], and 99 more" in message


def test_damaged_safetensors_are_reported(tmp_path):
    path = tmp_path / "resnet18.safetensors"
    path.write_bytes(b"\x00" * 20)
    with pytest.raises(CheckpointError, match="no readable"):
        load_resnet18(path, *_variables())
    head = b'{"x":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}'
    path.write_bytes(len(head).to_bytes(8, "little") + head + b"\x00")
    with pytest.raises(CheckpointError, match="no readable"):
        load_resnet18(path, *_variables())
    with pytest.raises(CheckpointError, match="no readable"):
        load_resnet18(tmp_path / "none.safetensors", *_variables())
