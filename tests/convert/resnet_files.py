"""ResNet-18 state dicts in the published layout, with random values."""

import numpy as np


def _norm(rng, width):
    draw = lambda low: rng.uniform(low, 2.0, width).astype(np.float32)  # noqa: E731
    return {
        "weight": draw(0.5),
        "bias": draw(-1.0),
        "running_mean": draw(-1.0),
        "running_var": draw(0.5),
        "num_batches_tracked": np.array(7, np.int64),
    }


def published_arrays(width):
    """A state dict of the published layout with random values."""
    rng = np.random.default_rng(0)
    arrays = {}

    def conv(name, outputs, inputs, size):
        shape = (outputs, inputs, size, size)
        arrays[f"{name}.weight"] = rng.normal(0, 0.2, shape).astype(np.float32)

    def norm(name, width):
        arrays.update({f"{name}.{k}": v for k, v in _norm(rng, width).items()})

    conv("conv1", width, 3, 7)
    norm("bn1", width)
    inputs = width
    for stage in range(4):
        outputs = width * 2**stage
        for block in range(2):
            name = f"layer{stage + 1}.{block}"
            conv(f"{name}.conv1", outputs, inputs, 3)
            norm(f"{name}.bn1", outputs)
            conv(f"{name}.conv2", outputs, outputs, 3)
            norm(f"{name}.bn2", outputs)
            if inputs != outputs:
                conv(f"{name}.downsample.0", outputs, inputs, 1)
                norm(f"{name}.downsample.1", outputs)
            inputs = outputs
    arrays["fc.weight"] = np.ones((1000, inputs), np.float32)
    arrays["fc.bias"] = np.ones((1000,), np.float32)
    return arrays
