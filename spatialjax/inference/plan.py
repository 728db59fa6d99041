"""What a separation will take: memory as it was compiled, time as it was tried."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from spatialjax.errors import ConfigError
from spatialjax.inference.film import Film
from spatialjax.inference.joining import Carry, Joiner, Piece, Windows
from spatialjax.tasks.base import Variables, WindowSpec
from spatialjax.tasks.cost import device_memory_gb, memory_gb
from spatialjax.typing import Array, HostArray

WINDOWS_PER_DEVICE = 4
"""Windows of a batch on each device, where memory allows it."""

MEMORY_SHARE = 0.75
"""Of a device's memory, used where the user names no limit."""


Step = Callable[
    [HostArray, Carry[Array], Windows[HostArray]], tuple[Carry[Array], Piece]
]


@dataclass(frozen=True)
class Plan:
    """A compiled step, and what one call of it takes.

    `step` takes regions, a carry, which it consumes, and windows of `batch_size` rows.
    """

    step: Step
    first_carry: Carry[Array]
    batch_size: int
    memory_gb: float
    step_s: float

    def describe(self, film: Film, spec: WindowSpec) -> str:
        """What the whole film will take, in a line."""
        text = (
            f"plan: {self.batch_size} windows at once, {1000 * self.memory_gb:.1f} MB, "
            f"{self.step_s:.2f} s each time"
        )
        if film.duration_s is None:
            return f"{text}; the file does not tell its length"
        window_s = spec.num_frames // 2 * spec.hop / spec.sample_rate_hz
        num_steps = math.ceil((film.duration_s / window_s + 1) / self.batch_size)
        minutes, seconds = divmod(round(num_steps * self.step_s), 60)
        return (
            f"{text}; {film.duration_s:.0f} s of film take about {minutes} min "
            f"{seconds} s, and what decoding takes"
        )


def make_plan(
    joiner: Joiner, variables: Variables, film: Film, max_memory_gb: float | None
) -> Plan:
    """The step with the largest batch of windows that fits, compiled and tried once.

    Args:
      joiner: what is compiled.
      variables: of the model.
      film: its pictures' size is compiled for.
      max_memory_gb: that a device may use; None allows `MEMORY_SHARE` of what it has.

    Raises:
      ConfigError: a single window does not fit.
    """
    program = _Program(joiner, variables, film)
    if max_memory_gb is None:
        max_memory_gb = MEMORY_SHARE * device_memory_gb()
    per_device = WINDOWS_PER_DEVICE
    while True:
        batch_size = per_device * len(program.devices)
        compiled = program.compile(batch_size)
        needed_gb = memory_gb(compiled)
        if not needed_gb > max_memory_gb:  # as where the compiler does not tell
            break
        if per_device == 1:
            raise ConfigError(
                f"a single window needs {needed_gb:.2f} GB, allowed are "
                f"{max_memory_gb:.2f}; ask for fewer sources, or allow more"
            )
        per_device //= 2
    step = program.caller(compiled)
    before_s = time.monotonic()
    jax.block_until_ready(
        step(program.regions, program.first_carry(), program.windows(batch_size))
    )
    step_s = time.monotonic() - before_s
    return Plan(step, program.first_carry(), batch_size, needed_gb, step_s)


class _Program:
    """The step of a joiner on all devices: each takes its part of the windows."""

    def __init__(self, joiner: Joiner, variables: Variables, film: Film) -> None:
        self.devices = jax.devices()
        mesh = Mesh(np.array(self.devices), ("data",), axis_types=(AxisType.Auto,))
        self._whole = NamedSharding(mesh, PartitionSpec())
        self._split = NamedSharding(mesh, PartitionSpec("data"))
        self._joiner, self._film = joiner, film
        self._variables = jax.device_put(variables, self._whole)
        self.regions = np.ones((joiner.num_sources, *joiner.grid), bool)
        self._jitted = jax.jit(joiner.step, donate_argnums=2, out_shardings=self._whole)

    def compile(self, batch_size: int) -> jax.stages.Compiled:
        windows = jax.device_put(self.windows(batch_size), self._split)
        regions = jax.device_put(self.regions, self._whole)
        return self._jitted.lower(
            self._variables, regions, self.first_carry(), windows
        ).compile()

    def caller(self, compiled: jax.stages.Compiled) -> Step:
        """The compiled step, for regions and windows that still lie on the host."""

        def step(
            regions: HostArray, carry: Carry[Array], windows: Windows[HostArray]
        ) -> tuple[Carry[Array], Piece]:
            places = jax.device_put(regions, self._whole)
            placed = jax.device_put(windows, self._split)
            return compiled(self._variables, places, carry, placed)

        return step

    def first_carry(self) -> Carry[Array]:
        return jax.device_put(self._joiner.first_carry(), self._whole)

    def windows(self, batch_size: int) -> Windows[HostArray]:
        """Silence and black pictures of the right shapes."""
        joiner, spec = self._joiner, self._joiner.task.window_spec
        half = spec.num_frames // 2
        length = (spec.num_frames - 1) * spec.hop + spec.n_fft
        images = (batch_size, spec.num_images, *self._film.image_size, 3)
        return Windows(
            samples=np.zeros((batch_size, joiner.channels, length), np.float32),
            images=np.zeros(images, np.uint8),
            has_previous=np.ones(batch_size, bool),
            is_past=np.zeros(batch_size, bool),
            counts=np.ones((batch_size, half), np.float32),
        )
