"""Data parallelism: where arrays lie, and how a function of one batch is compiled.

Two strategies give the same numbers. Under ``jit`` a batch is one global array, split
over the axis ``data`` of a mesh, and a reduction over examples is global by itself.
Under ``pmap`` each device runs the function on its own rows, arrays carry a leading
device axis, and the function adds over the axis ``data`` by name. On the host both look
alike: `place` and `fetch` turn one copy of a tree into the form of the strategy and
back, so that a checkpoint of one restores under the other and on any number of devices.
"""

import enum
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from spatialjax.config import register
from spatialjax.errors import ConfigError
from spatialjax.evaluation.evaluate import EvalStep, predict_and_measure
from spatialjax.tasks.base import Scores, Task, Variables
from spatialjax.typing import Array, Batch, HostArray, PyTree

AXIS = "data"


class Strategy(enum.Enum):
    """How one program runs on many devices."""

    JIT = "jit"
    PMAP = "pmap"


@register("parallel")
@dataclass
class ParallelConfig:
    """On how many devices, and how."""

    strategy: Strategy = Strategy.JIT
    num_devices: int | None = None  # None: all; fewer only in a single process

    def validate(self) -> None:
        """Raises ConfigError for a count below one."""
        if self.num_devices is not None and self.num_devices < 1:
            raise ConfigError(
                f"num_devices is {self.num_devices}, expected none or >= 1"
            )

    def build(self) -> "Parallel":
        """The devices, ready for use.

        Raises:
          ConfigError: more devices are asked for than there are.
        """
        devices = jax.devices()
        count = len(devices) if self.num_devices is None else self.num_devices
        if count > len(devices) or (jax.process_count() > 1 and count < len(devices)):
            raise ConfigError(
                f"parallel.num_devices is {count}, expected at most {len(devices)} in "
                "one process and all of them in several; None takes all"
            )
        mesh = Mesh(np.array(devices[:count]), (AXIS,), axis_types=(AxisType.Auto,))
        return Parallel(self.strategy, mesh)


@dataclass(frozen=True)
class Parallel:
    """The devices of a run and the form that arrays have on them."""

    strategy: Strategy
    mesh: Mesh

    @property
    def axis(self) -> str | None:
        """The axis to add over inside a compiled function; None under jit."""
        return AXIS if self.strategy is Strategy.PMAP else None

    @property
    def num_devices(self) -> int:
        """Devices of all processes."""
        return self.mesh.devices.size

    @property
    def _num_local(self) -> int:
        return len(self.mesh.local_devices)

    @property
    def _split(self) -> NamedSharding:
        return NamedSharding(self.mesh, PartitionSpec(AXIS))

    @property
    def _same(self) -> NamedSharding:
        return NamedSharding(self.mesh, PartitionSpec())

    def place(self, tree: PyTree) -> PyTree:
        """A tree on every device; the caller's arrays are copied, never donated."""
        return jax.tree.map(self._place_leaf, tree)

    def _place_leaf(self, leaf: Any) -> Array:
        copy = np.array(leaf)
        if self.strategy is Strategy.JIT:
            return jax.make_array_from_process_local_data(self._same, copy, copy.shape)
        copies = np.broadcast_to(copy, (self._num_local, *copy.shape))
        return jax.make_array_from_process_local_data(self._split, copies)

    def place_batch(self, batch: Batch) -> dict[str, Array]:
        """This process' rows, as its part of the global batch.

        Raises:
          ConfigError: the rows cannot be dealt out evenly.
        """
        return {name: self._place_rows(rows) for name, rows in batch.items()}

    def _place_rows(self, rows: HostArray) -> Array:
        rows = np.asarray(rows)
        if len(rows) % self._num_local:
            total = len(rows) * jax.process_count()
            raise ConfigError(
                f"a batch of {total} cannot be dealt out to {self.num_devices} devices;"
                f" take a multiple of {self.num_devices} as batch size, or set "
                "parallel.num_devices"
            )
        if self.strategy is Strategy.PMAP:
            rows = rows.reshape(self._num_local, -1, *rows.shape[1:])
        return jax.make_array_from_process_local_data(self._split, rows)

    def fetch(self, tree: PyTree) -> PyTree:
        """NumPy copies of what `place` or a step gave; they outlive a donation."""
        return jax.tree.map(self._fetch_leaf, tree)

    def _fetch_leaf(self, leaf: Array) -> HostArray:
        own = leaf.addressable_data(0)
        return np.array(own[0] if self.strategy is Strategy.PMAP else own)

    def compile_step(
        self, function: Callable, state: PyTree, batch: PyTree
    ) -> jax.stages.Compiled:
        """``(state, batch) -> (state, report)``, compiled once for these placed arrays.

        The state is donated: its buffers are gone after the call. Other shapes than
        those given here are an error instead of a second compilation.
        """
        if self.strategy is Strategy.PMAP:
            step = jax.pmap(
                function,
                axis_name=AXIS,
                devices=list(self.mesh.devices.flat),
                donate_argnums=0,
            )
        else:
            step = jax.jit(
                function,
                in_shardings=(self._same, self._split),
                out_shardings=(self._same, self._same),
                donate_argnums=0,
            )
        return step.lower(state, batch).compile()

    def eval_step(self, task: Task) -> EvalStep:
        """``(placed variables, host batch, key) -> (outputs, scores)``, with all rows.

        Any number of rows will do. In several processes each one gives, and gets, all
        rows. Returns while the devices still work.
        """
        function = functools.partial(predict_and_measure, task)
        form = self._same if jax.process_count() > 1 else None
        if self.strategy is Strategy.JIT:
            compiled = jax.jit(function, out_shardings=form)
        else:
            by_device = jax.pmap(
                function,
                axis_name=AXIS,
                in_axes=(0, 0, None),
                devices=list(self.mesh.devices.flat),
            )
            join = jax.jit(_join_devices, out_shardings=form)
        # One program: slices one by one would be dozens, each with exchanges of its own
        # under way at once.
        trim = jax.jit(_first_rows, static_argnums=1, out_shardings=form)

        def step(
            variables: Variables, batch: Batch, key: Array
        ) -> tuple[PyTree, dict[str, Scores]]:
            num_rows = len(next(iter(batch.values())))
            placed = self.place_batch(self._own_rows(batch, num_rows))
            if self.strategy is Strategy.JIT:
                found = compiled(variables, placed, key)
            else:
                found = join(by_device(variables, placed, key))
            if num_rows % self.num_devices == 0:
                return found
            return trim(found, num_rows)

        return step

    def _own_rows(self, batch: Batch, num_rows: int) -> Batch:
        """This process' share of a batch, filled up to a multiple of the devices."""
        share = -(-num_rows // self.num_devices) * self._num_local
        rows = np.arange(share) + jax.process_index() * share
        rows = np.minimum(rows, num_rows - 1)  # the last row again, where one lacks
        return {name: np.asarray(entry)[rows] for name, entry in batch.items()}


def _first_rows(tree: PyTree, num_rows: int) -> PyTree:
    return jax.tree.map(lambda x: x[:num_rows], tree)


def _join_devices(tree: PyTree) -> PyTree:
    """Rows of all devices below each other."""
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), tree)
