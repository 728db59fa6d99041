"""The Sound-of-Pixels training step in PyTorch, for comparison; needs `bench`.

Parameters carry the names that spatialjax gives them, so that they can be copied.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from spatialjax.audio.warp import warp_positions
from spatialjax.vision.standardise import IMAGENET_MEAN, IMAGENET_STD


class Block(nn.Module):
    def __init__(self, inputs, width, stride, first, later):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, first, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, later, later, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if inputs != width:
            project = nn.Conv2d(inputs, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(project, nn.BatchNorm2d(width))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        return F.relu(y, inplace=True)


class Trunk(nn.Module):
    """ResNet-18 whose last stage keeps the places and dilates instead."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        stages = [(64, 1, 1), (128, 2, 1), (256, 2, 1), (512, 1, 2)]
        for index, (width, stride, later) in enumerate(stages, 1):
            blocks = [
                Block(inputs, width, stride, 1, later),
                Block(width, width, 1, later, later),
            ]
            setattr(self, f"layer{index}", nn.Sequential(*blocks))
            inputs = width

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = F.max_pool2d(x, 3, 2, 1)
        for index in range(1, 5):
            x = getattr(self, f"layer{index}")(x)
        return x


class Frame(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.features = Trunk()
        self.fc = nn.Conv2d(512, channels, 3, padding=1)

    def forward(self, x):
        return self.fc(self.features(x))


class Level(nn.Module):
    def __init__(self, inputs, width, outputs, is_outermost, is_innermost):
        super().__init__()
        inside = width if is_innermost else 2 * width
        self.is_outermost = is_outermost
        self.down = nn.Conv2d(inputs, width, 4, 2, 1, bias=False)
        self.up = nn.Conv2d(inside, outputs, 3, padding=1, bias=is_outermost)
        has_down_norm = not (is_outermost or is_innermost)
        self.down_norm = nn.BatchNorm2d(width) if has_down_norm else nn.Identity()
        self.up_norm = nn.Identity() if is_outermost else nn.BatchNorm2d(outputs)

    def go_down(self, x):
        return self.down_norm(
            self.down(x if self.is_outermost else F.leaky_relu(x, 0.2))
        )

    def go_up(self, x):
        x = F.interpolate(
            F.relu(x), scale_factor=2, mode="bilinear", align_corners=True
        )
        return self.up_norm(self.up(x))


class Sound(nn.Module):
    def __init__(self, channels):
        super().__init__()
        widths = [64, 128, 256, 512, 512, 512, 512]
        self.norm = nn.BatchNorm2d(1)
        sizes = zip([1, *widths[:-1]], widths, [channels, *widths[:-1]], strict=True)
        self.levels = nn.ModuleList(
            Level(*size, index == 0, index == 6) for index, size in enumerate(sizes)
        )

    def forward(self, x):
        skips = [self.norm(x)]
        for level in self.levels:
            skips.append(level.go_down(skips[-1]))
        *outer, innermost = self.levels
        x = innermost.go_up(skips.pop())
        for level in reversed(outer):
            x = level.go_up(torch.cat([skips.pop(), x], 1))
        return x


class Synthesizer(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, visual, sound):
        return torch.einsum("bnc,bcfk->bnfk", visual * self.scale, sound) + self.bias


class Pixels(nn.Module):
    """The loss of a batch, with the default settings of `PixelsConfig`."""

    def __init__(self, channels=32, n_fft=1022, hop=256, rows=256):
        super().__init__()
        self.sound, self.frame = Sound(channels), Frame(channels)
        self.synthesizer = Synthesizer(channels)
        self.n_fft, self.hop = n_fft, hop
        num_bins = n_fft // 2 + 1
        place = np.clip(warp_positions(num_bins, rows), 0, num_bins - 1)
        lower = np.minimum(place.astype(np.int64), num_bins - 2)
        self.lower = torch.from_numpy(lower)
        self.upper_share = torch.from_numpy((place - lower).astype(np.float32))[:, None]
        self.window = torch.hann_window(n_fft)
        self.mean = 255 * torch.tensor(IMAGENET_MEAN)
        self.std = 255 * torch.tensor(IMAGENET_STD)

    def forward(self, batch):
        audio, images = batch["audio"], batch["images"]
        b, n, v, h, w, _ = images.shape
        amplified = audio.float() / 32768 * batch["gain"][:, :, None, None]
        sources = amplified.clamp(-1, 1).mean(2) / n
        spectra = torch.stft(
            sources.reshape(b * n, -1),
            self.n_fft,
            self.hop,
            window=self.window,
            pad_mode="reflect",
            return_complex=True,
        )
        spectra = spectra.reshape(b, n, *spectra.shape[1:])
        parts = self.warp(spectra.abs())
        whole = self.warp(spectra.sum(1).abs() + 1e-10)
        pictures = (images.reshape(b * n * v, h, w, 3) - self.mean) / self.std
        maps = self.frame(pictures.permute(0, 3, 1, 2))  # channels last as they lie
        visual = torch.sigmoid(maps.reshape(b, n, v, *maps.shape[1:]).amax((2, 4, 5)))
        sound = self.sound(torch.log(whole)[:, None])
        logits = self.synthesizer(visual, sound)
        target = (parts > 0.5 * whole[:, None]).float()
        weight = torch.log1p(whole).clamp(1e-3, 10)[:, None]
        return F.binary_cross_entropy_with_logits(
            logits, target, weight.expand_as(logits)
        )

    def warp(self, bins):
        lower, upper = bins[..., self.lower, :], bins[..., self.lower + 1, :]
        return lower * (1 - self.upper_share) + upper * self.upper_share


def copy_parameters(model, arrays):
    """Take parameters and statistics ``{path: array}`` of spatialjax."""
    state = model.state_dict()
    taken = set()
    for path, array in arrays.items():
        *parents, last = path.split("/")
        name = {"kernel": "weight", "mean": "running_mean", "var": "running_var"}
        key = ".".join([*parents, name.get(last, last)])
        if key not in state:
            key = ".".join([*parents, "weight"])
        value = np.asarray(array)
        if value.ndim == 4:
            value = value.transpose(3, 2, 0, 1)
        state[key].copy_(torch.from_numpy(np.array(value)))
        taken.add(key)
    left = {key for key in state if not key.endswith("num_batches_tracked")} - taken
    if left:
        raise ValueError(f"nothing was given for {sorted(left)}")


def gradients(model):
    """``{name: gradient}`` in the layout of spatialjax."""
    found = {}
    for name, value in model.named_parameters():
        gradient = value.grad.numpy()
        found[name] = gradient.transpose(2, 3, 1, 0) if gradient.ndim == 4 else gradient
    return found
