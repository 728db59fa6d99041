"""spatialaudiogen once more, plainly, from the names and shapes of its checkpoints.

Nothing of the library is used: full transforms, the whole decoder, one inverse
transform for each track. Signals are in float64, unless `xp` is jax.numpy.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

STRIDES = ((4, 8), (2, 4), (2, 2), (1, 1), (1, 1))
AXES = ("NHWC", "HWIO", "NHWC")
HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)


def arrays_by_name(names, params, state):
    """The arrays of a checkpoint, by their published names."""
    leaves = jax.tree_util.tree_flatten_with_path((params, state))[0]
    text = lambda path: "/".join(str(key.key) for key in path[1:])  # noqa: E731
    return {names[text(path)][0]: leaf for path, leaf in leaves}


def stft(mono, xp=np):
    """All 200 frames of windows [b, 52799], two-sided: [b, 200, 1024]."""
    frames = [mono[:, 256 * i : 256 * i + 1024] for i in range(200)]
    return xp.fft.fft(xp.stack(frames, 1) * xp.asarray(HANN)[None, None])


def listen(arrays, magnitude, visual, num_out=3):
    """Masks [b, n, 28, 1024], weights [b, 3, o, n], bias [b, 3, o]."""
    heard = [magnitude[..., None]]
    for index, strides in enumerate(STRIDES):
        name = f"audio_encoder/conv{index + 1}"
        y = _conv(heard[-1], arrays[f"{name}/weights"], strides, "VALID")
        heard.append(_relu(y + _row(arrays[f"{name}/biases"], 4)))
    audio = heard[-1].reshape(len(magnitude), 3, -1)
    fused = _relu(_fc(arrays, "bottleneck/audio-fc", audio))
    if visual is not None:
        tiled = jnp.repeat(visual, 3 // visual.shape[1], axis=1)
        fused = jnp.concatenate([fused, tiled], -1)
    masks = _decode(arrays, heard[1:], fused)
    x = _relu(_fc(arrays, "localization/fc1", fused))
    x = _relu(_fc(arrays, "localization/fc2", x))
    x = _fc(arrays, "localization/fc3", x).reshape(len(x), 3, num_out, 1, -1)
    return masks, x[..., 0, :-1], x[..., 0, -1]


def _decode(arrays, heard, fused):
    features = _relu(_fc(arrays, "separation/fc-feats", fused))
    x = jnp.concatenate([heard[-1], jnp.stack([features] * 6, 2)], -1)
    for index in reversed(range(5)):
        name = f"separation/deconv{index + 1}"
        x = lax.conv_transpose(
            x,
            arrays[f"{name}/weights"],
            STRIDES[index],
            "VALID",
            dimension_numbers=AXES,
            transpose_kernel=True,
        )
        x = x + _row(arrays[f"{name}/biases"], 4)
        if index:
            x = jnp.concatenate([_relu(x), heard[index - 1]], -1)
    return jax.nn.sigmoid(x[:, 43:71].transpose(0, 3, 1, 2))


def render(mono, masks, weights, bias, xp=np):
    """The outputs [b, 4800, o]: every track inverted, then mixed."""
    spectra = masks * stft(mono, xp)[:, None, 89:117]
    frames = xp.fft.ifft(spectra).real
    pads = [[(0, 0), (0, 0), (256 * i, 256 * (27 - i))] for i in range(28)]
    tracks = sum(xp.pad(frames[:, :, i], pad) for i, pad in enumerate(pads))
    tracks = tracks[..., 768 : 768 + 6400] / 4
    held, held_bias = (xp.repeat(a, 1600, axis=1) for a in (weights, bias))
    return xp.einsum("bton,bnt->bto", held, tracks[..., 448:5248]) + held_bias


def see(arrays, stream, images, is_batch_normalised):
    """Visual vector [rows, d] of pictures [rows, h, w, 3].

    There may be fewer blocks than the published two in each of the stages 2 to 5.
    """

    def layer(x, name, stride):
        name = f"{stream}_encoder/{name}"
        x = _conv(x, arrays[f"{name}/weights"], (stride, stride), "SAME")
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        if not is_batch_normalised:
            mean = arrays[f"{name}/bn/moving_mean"]
            variance = arrays[f"{name}/bn/moving_variance"]
        x = (x - _row(mean, 4)) / jnp.sqrt(_row(variance, 4) + 0.001)
        gamma, beta = (arrays[f"{name}/bn/{key}"] for key in ("gamma", "beta"))
        return x * _row(gamma, 4) + _row(beta, 4)

    x = _relu(layer(images, "conv1/conv", 2))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
    for stage in range(2, 6):
        for index in (1, 2):
            name = f"conv{stage}_{index}"
            if f"{stream}_encoder/{name}/conv_1/weights" not in arrays:
                continue
            stride = 2 if index == 1 and stage > 2 else 1
            y = _relu(layer(x, f"{name}/conv_1", stride))
            y = layer(y, f"{name}/conv_2", 1)
            if stride == 2:
                kernel = arrays[f"{stream}_encoder/{name}/shortcut/weights"]
                x = _conv(x, kernel, (2, 2), "SAME")
            x = _relu(x + y)
    x = _relu(_fc(arrays, f"bottleneck/{stream}-fc-red", x))
    return _relu(_fc(arrays, f"bottleneck/{stream}-fc", x.reshape(len(x), -1)))


def _conv(x, kernel, strides, padding):
    return lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=AXES)


def _fc(arrays, name, x):
    return x @ arrays[f"{name}/weights"] + _row(arrays[f"{name}/biases"], x.ndim)


def _row(vector, rank):
    return vector.reshape((1,) * (rank - 1) + (-1,))


def _relu(x):
    return jnp.maximum(x, 0)
