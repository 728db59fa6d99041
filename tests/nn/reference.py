"""The layers once more, plainly in NumPy and float64, as the specification has them."""

import jax
import numpy as np


def conv(x, kernel, stride=1, padding=0, dilation=1, bias=None):
    taps = kernel.shape[0]
    x = np.pad(np.asarray(x, np.float64), ((0, 0), *[(padding, padding)] * 2, (0, 0)))
    span = dilation * (taps - 1) + 1
    windows = np.lib.stride_tricks.sliding_window_view(x, (span, span), (1, 2))
    windows = windows[:, ::stride, ::stride, :, ::dilation, ::dilation]
    y = np.einsum("bhwiyx,yxio->bhwo", windows, np.asarray(kernel, np.float64))
    return y if bias is None else y + np.asarray(bias, np.float64)


def batch_norm(x, params, state, train, epsilon=1e-5, momentum=0.1, unbiased=False):
    """Normalised rows and the running statistics after them."""
    params, state = jax.tree.map(np.float64, (params, state))
    mean, var = state["mean"], state["var"]
    if train:
        values = x.reshape(-1, x.shape[-1])
        mean, var = values.mean(0), values.var(0)
        kept = values.var(0, ddof=1) if unbiased else var
        state = {
            "mean": (1 - momentum) * state["mean"] + momentum * mean,
            "var": (1 - momentum) * state["var"] + momentum * kept,
        }
    y = (x - mean) / np.sqrt(var + epsilon) * params["scale"] + params["bias"]
    return y, state


def max_pool(x, size=3, stride=2, padding=1):
    width = ((0, 0), *[(padding, padding)] * 2, (0, 0))
    x = np.pad(x, width, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))
    return windows[:, ::stride, ::stride].max((-1, -2))


def upsample(x):
    """Twice the sides, bilinear, with the corners aligned."""
    for axis in (1, 2):
        size = x.shape[axis]
        position = np.arange(2 * size) * (size - 1) / (2 * size - 1)
        low = np.minimum(np.floor(position).astype(int), size - 1)
        high = np.minimum(low + 1, size - 1)
        shape = [1] * x.ndim
        shape[axis] = -1
        part = (position - low).reshape(shape)
        x = x.take(low, axis) * (1 - part) + x.take(high, axis) * part
    return x


def relu(x):
    return np.maximum(x, 0)


def leaky_relu(x):
    return np.where(x > 0, x, 0.2 * x)
