"""Time of the full-width Sound-of-Pixels training step beside PyTorch, in one run.

python -m tests.tasks.speed_of_pixels, with GLIBC_TUNABLES as in the Makefile

Both take the same PCM and pictures through the same steps, from mixing to the update
of SGD with momentum; PyTorch comes with the extra `bench`, with channels last. First
the losses and the gradients are compared, then the two take turns.
"""

import argparse
import os
import statistics
import time

import jax
import numpy as np

from spatialjax.tasks import PixelsConfig
from spatialjax.training import (
    OptimizerConfig,
    OptimizerKind,
    init_state,
    make_optimizer,
    make_train_step,
)
from spatialjax.training.paths import flatten

BATCH = 4
NUM_RUNS = 7
RATE = 1e-3
MOMENTUM = 0.9


def make_batch(task, rows=BATCH):
    """Noise that rises and falls, as sound and as pictures."""
    rng = np.random.default_rng(0)
    batch = {}
    for name, spec in task.batch_spec.items():
        batch[name] = np.zeros((rows, *spec.shape), spec.dtype)
    shape = batch["audio"].shape
    loudness = np.repeat(rng.random((*shape[:-1], 17)), 4096, -1)[..., : shape[-1]]
    batch["audio"] = (8000 * loudness * rng.normal(size=shape)).astype(np.int16)
    coarse = rng.integers(0, 256, (*batch["images"].shape[:-3], 14, 14, 3))
    size = batch["images"].shape[-2]
    fine = coarse.repeat(-(-size // 14), -3).repeat(-(-size // 14), -2)
    batch["images"] = fine[..., :size, :size, :].astype(np.uint8)
    batch["gain"] = rng.uniform(0.5, 1.5, batch["gain"].shape).astype(np.float32)
    batch["valid"][:] = True
    return batch


class Ours:
    """The step as training compiles it."""

    def __init__(self, config, batch):
        self.task = config.build()
        self.variables = jax.jit(self.task.init)(jax.random.key(0))
        rule = OptimizerConfig(
            kind=OptimizerKind.SGD, learning_rate=RATE, momentum=MOMENTUM
        )
        optimizer = make_optimizer(rule, self.variables, 1000)
        self.batch = jax.device_put(batch)
        self.arrays = jax.tree.map(
            np.asarray, flatten(self.variables.params) | flatten(self.variables.state)
        )
        self.state = jax.jit(lambda v: init_state(v, optimizer))(self.variables)
        step = make_train_step(self.task, optimizer, 0, None)
        lowered = jax.jit(step, donate_argnums=0).lower(self.state, self.batch)
        self.step = lowered.compile()

    def __call__(self):
        self.state, report = self.step(self.state, self.batch)
        return float(report.scalars["loss"])

    def gradients(self):
        def loss(params, batch):
            variables = self.variables._replace(params=params)
            total, aux = self.task.loss(variables, batch, jax.random.key(0), None)
            return total / aux.weight

        return flatten(jax.jit(jax.grad(loss))(self.variables.params, self.batch))


class Theirs:
    """The same step in PyTorch."""

    def __init__(self, arrays, batch, num_threads):
        import torch

        from tests.tasks import pixels_in_torch as theirs

        torch.set_num_threads(num_threads)
        self.model = theirs.Pixels()
        theirs.copy_parameters(self.model, arrays)
        self.model = self.model.to(memory_format=torch.channels_last)
        self.rule = torch.optim.SGD(
            self.model.parameters(), RATE, momentum=MOMENTUM, fused=True
        )
        self.batch = {name: torch.from_numpy(rows) for name, rows in batch.items()}
        self._gradients = theirs.gradients

    def __call__(self):
        self.rule.zero_grad()
        loss = self.model(self.batch)
        loss.backward()
        self.rule.step()
        return loss.item()

    def gradients(self):
        return self._gradients(self.model)


def check(ours, theirs):
    """Print how far the first losses and gradients lie apart; refuse if far."""
    expected = ours.gradients()
    losses = ours(), theirs()
    got = theirs.gradients()
    distances = {}
    for path, gradient in expected.items():
        *parents, last = path.split("/")
        key = ".".join([*parents, {"kernel": "weight"}.get(last, last)])
        other = got[key if key in got else ".".join([*parents, "weight"])]
        distances[path] = np.linalg.norm(gradient - other) / np.linalg.norm(other)
    worst = max(distances, key=distances.get)
    print(f"first loss: spatialjax {losses[0]:.6f}  PyTorch {losses[1]:.6f}")
    print(
        "gradients apart, as a part of their norm: median "
        f"{statistics.median(distances.values()):.1e}, most {distances[worst]:.1e} "
        f"({worst})"
    )
    if abs(losses[0] - losses[1]) > 1e-4 * abs(losses[1]):
        raise ValueError("the two do not compute the same")


def seconds(step):
    before_s = time.perf_counter()
    step()
    return time.perf_counter() - before_s


def report(name, times_s):
    times_s = sorted(times_s)
    print(
        f"{name}: median {statistics.median(times_s):.2f} s "
        f"({times_s[0]:.2f} to {times_s[-1]:.2f})"
    )


def main():
    """Print the times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=NUM_RUNS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    config = PixelsConfig()
    batch = make_batch(config.build())
    ours = Ours(config, batch)
    theirs = Theirs(ours.arrays, batch, options.threads)
    check(ours, theirs)
    for step in (ours, theirs):
        step()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(options.runs)]
    for name, times_s in zip(
        ("spatialjax", "PyTorch"), zip(*pairs, strict=True), strict=True
    ):
        report(name, times_s)
    ratios = sorted(one / other for one, other in pairs)
    print(
        f"spatialjax / PyTorch: {statistics.median(ratios):.2f} "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
