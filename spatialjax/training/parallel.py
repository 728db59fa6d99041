"""Parallelism: where arrays lie, and how a function of one batch is compiled.

Three strategies give the same numbers. Under ``data`` and ``fsdp`` a batch is one
global array, split over all axes of a mesh, and a reduction over examples is global by
itself; ``data`` keeps a copy of the state on every device, ``fsdp`` splits each large
array of it over the axis ``fsdp`` and gathers it where it is used. Under ``pmap`` each
device runs the function on its own rows, arrays carry a leading device axis, and the
function adds over the axis ``data`` by name. On the host all look alike: `place` and
`fetch` turn one copy of a tree into the form of the strategy and back, so that a
checkpoint of one restores under the others and on any number of devices.
"""

import enum
import functools
import math
from collections.abc import Callable, Sequence
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
SHARDS = "fsdp"
SMALLEST_SPLIT = 4096
"""Values of the smallest array that ``fsdp`` splits; smaller ones cost more to gather
than to keep."""


class Strategy(enum.Enum):
    """How one program runs on many devices."""

    DATA = "data"
    FSDP = "fsdp"
    PMAP = "pmap"


@register("parallel")
@dataclass
class ParallelConfig:
    """On how many devices, and how."""

    strategy: Strategy = Strategy.DATA
    num_devices: int | None = None  # None: all; fewer only in a single process
    num_shards: int | None = None  # devices that share one state; None: all. fsdp only

    def validate(self) -> None:
        """Raises ConfigError for a count below one, or shards without fsdp."""
        for name in ("num_devices", "num_shards"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ConfigError(f"{name} is {count}, expected none or >= 1")
        if self.num_shards is not None and self.strategy is not Strategy.FSDP:
            raise ConfigError(
                f"num_shards is {self.num_shards} under {self.strategy.value}, which "
                "splits no state; set it to none, or strategy to fsdp"
            )

    def build(self, devices: Sequence[jax.Device] | None = None) -> "Parallel":
        """The devices, ready for use.

        Args:
          devices: None takes all there are; those of a topology that is not here will
            do to compile for.

        Raises:
          ConfigError: more devices are asked for than there are.
        """
        devices = jax.devices() if devices is None else devices
        # By process: each holds neighbouring rows, whatever the topology counts.
        devices = sorted(devices, key=lambda d: (d.process_index, d.id))
        count = len(devices) if self.num_devices is None else self.num_devices
        if count > len(devices) or (jax.process_count() > 1 and count < len(devices)):
            raise ConfigError(
                f"parallel.num_devices is {count}, expected at most {len(devices)} in "
                "one process and all of them in several; None takes all"
            )
        if self.strategy is not Strategy.FSDP:
            return Parallel(self.strategy, _mesh(devices[:count], AXIS))
        num_shards = self.num_shards or count
        if count % num_shards:
            raise ConfigError(
                f"parallel.num_shards is {num_shards}, expected a divisor of the "
                f"{count} devices"
            )
        grid = np.array(devices[:count]).reshape(-1, num_shards)
        return Parallel(self.strategy, _mesh(grid, AXIS, SHARDS))


@dataclass(frozen=True)
class Parallel:
    """The devices of a run and the form that arrays have on them."""

    strategy: Strategy
    mesh: Mesh

    @property
    def axis(self) -> str | None:
        """The axis to add over inside a compiled function; None but under pmap."""
        return AXIS if self.strategy is Strategy.PMAP else None

    @property
    def num_devices(self) -> int:
        """Devices of all processes."""
        return self.mesh.devices.size

    @property
    def _num_local(self) -> int:
        return len(self.mesh.local_devices)

    @property
    def _devices(self) -> list[jax.Device]:
        return list(self.mesh.devices.flat)

    def _split(self, num_lead: int = 0) -> NamedSharding:
        """Over all devices, along the axis behind some leading ones."""
        spec = PartitionSpec(*(None,) * num_lead, self.mesh.axis_names)
        return NamedSharding(self.mesh, spec)

    @property
    def _same(self) -> NamedSharding:
        return NamedSharding(self.mesh, PartitionSpec())

    def state_sharding(self, shape: tuple[int, ...]) -> NamedSharding:
        """How an array of the state lies on the mesh, but under pmap.

        The longest axis that the shards divide is split, the last of equal ones.
        """
        num_shards = self.mesh.shape.get(SHARDS, 1)
        fits = [size for size in shape if size % num_shards == 0]
        if num_shards == 1 or not fits or math.prod(shape) < SMALLEST_SPLIT:
            return self._same
        place = len(shape) - 1 - shape[::-1].index(max(fits))
        return NamedSharding(self.mesh, PartitionSpec(*(None,) * place, SHARDS))

    def state_shapes(self, tree: PyTree) -> PyTree:
        """What `place` would give, without arrays; not under pmap."""
        return jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(
                x.shape, x.dtype, sharding=self.state_sharding(x.shape)
            ),
            tree,
        )

    def batch_shapes(self, tree: PyTree, num_lead: int = 0) -> PyTree:
        """What `place_batch` would give for global rows, without; not under pmap."""
        split = self._split(num_lead)
        return jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=split), tree
        )

    def place(self, tree: PyTree) -> PyTree:
        """A tree on the devices; the caller's arrays are copied, never donated."""
        return jax.tree.map(self._place_leaf, tree)

    def _place_leaf(self, leaf: Any) -> Array:
        copy = np.array(leaf)
        if self.strategy is Strategy.PMAP:
            copies = np.broadcast_to(copy, (self._num_local, *copy.shape))
            return jax.make_array_from_process_local_data(self._split(), copies)
        sharding = self.state_sharding(copy.shape)
        return jax.make_array_from_callback(
            copy.shape, sharding, lambda index: np.array(copy[index])
        )

    def place_batch(self, batch: Batch, num_lead: int = 0) -> dict[str, Array]:
        """This process' rows, as its part of the global batch.

        Args:
          batch: entries ``[*lead, rows, ...]``.
          num_lead: leading axes that every device gets whole: of micro-batches, or of
            steps.

        Raises:
          ConfigError: the rows cannot be dealt out evenly.
        """
        return {
            name: self._place_rows(np.asarray(rows), num_lead)
            for name, rows in batch.items()
        }

    def _place_rows(self, rows: HostArray, num_lead: int) -> Array:
        lead, (num_rows, *rest) = rows.shape[:num_lead], rows.shape[num_lead:]
        if num_rows % self._num_local:
            total = num_rows * jax.process_count()
            raise ConfigError(
                f"a batch of {total} cannot be dealt out to {self.num_devices} devices;"
                f" take a multiple of {self.num_devices} as batch size, or set "
                "parallel.num_devices"
            )
        if self.strategy is not Strategy.PMAP:
            sharding = self._split(num_lead)
            return jax.make_array_from_process_local_data(sharding, rows)
        rows = rows.reshape(*lead, self._num_local, -1, *rest)
        rows = np.moveaxis(rows, num_lead, 0)
        return jax.make_array_from_process_local_data(self._split(), rows)

    def to_global(self, tree: PyTree) -> PyTree:
        """What `place` or a step gave, without the device axis of pmap; no copies."""
        if self.strategy is not Strategy.PMAP:
            return tree
        return jax.tree.map(self._join_copies, tree)

    def _join_copies(self, leaf: Array) -> Array:
        copies = [shard.data[0] for shard in leaf.addressable_shards]
        return jax.make_array_from_single_device_arrays(
            leaf.shape[1:], self._same, copies
        )

    def fetch(self, tree: PyTree) -> PyTree:
        """NumPy copies of what `place` or a step gave; they outlive a donation.

        In several processes all of them call it, and each gets all.
        """
        tree = self.to_global(tree)
        if not all(leaf.is_fully_replicated for leaf in jax.tree.leaves(tree)):
            tree = self._gather(tree)
        own = jax.device_get(jax.tree.map(lambda leaf: leaf.addressable_data(0), tree))
        return jax.tree.map(np.array, own)

    @functools.cached_property
    def _gather(self) -> Callable[[PyTree], PyTree]:
        return jax.jit(lambda tree: tree, out_shardings=self._same)

    def compile_step(
        self, function: Callable, state: PyTree, batch: PyTree
    ) -> jax.stages.Compiled:
        """``(state, batch) -> (state, report)``, compiled once for these placed arrays.

        The state is donated: its buffers are gone after the call. Other shapes than
        those given here are an error instead of a second compilation.
        """
        return self.program(function, state).lower(state, batch).compile()

    def program(self, function: Callable, state: PyTree) -> Any:
        """``(state, batch) -> (state, report)``, to be lowered or compiled.

        Needs of the placed `state` the shapes and, but under pmap, the shardings.
        """
        if self.strategy is Strategy.PMAP:
            return jax.pmap(
                function, axis_name=AXIS, devices=self._devices, donate_argnums=0
            )
        kept = jax.tree.map(lambda leaf: leaf.sharding, state)
        return jax.jit(function, out_shardings=(kept, self._same), donate_argnums=0)

    def eval_step(self, task: Task) -> EvalStep:
        """``(placed variables, host batch, key) -> (outputs, scores)``, row by row.

        Any number of rows will do, the same in each process. Each gives its own rows
        and gets theirs back. Returns while the devices still work.
        """
        function = functools.partial(predict_and_measure, task)
        if self.strategy is Strategy.PMAP:
            step = jax.pmap(
                function, axis_name=AXIS, in_axes=(0, 0, None), devices=self._devices
            )
        else:
            step = jax.jit(function, out_shardings=self._split())
        # One program: slices one by one would be dozens, each with exchanges of its own
        # under way at once.
        trim = jax.jit(self._first_rows, static_argnums=1)

        def evaluate(
            variables: Variables, batch: Batch, key: Array
        ) -> tuple[PyTree, dict[str, Scores]]:
            num_rows = len(next(iter(batch.values())))
            placed = self.place_batch(self._fill_up(batch, num_rows))
            found = jax.tree.map(self._own_part, step(variables, placed, key))
            return trim(found, num_rows)

        return evaluate

    def _fill_up(self, batch: Batch, num_rows: int) -> Batch:
        """The last row again, up to a multiple of the devices."""
        num_whole = -(-num_rows // self._num_local) * self._num_local
        rows = np.minimum(np.arange(num_whole), num_rows - 1)
        return {name: np.asarray(entry)[rows] for name, entry in batch.items()}

    def _own_part(self, leaf: Array) -> Array:
        """The rows of this process, as an array of its devices alone; no copies."""
        if leaf.is_fully_addressable:
            return leaf
        mesh = _mesh(self.mesh.local_devices, AXIS)
        shards = sorted(leaf.addressable_shards, key=lambda s: s.index[0].start or 0)
        parts = [shard.data for shard in shards]
        shape = (sum(len(part) for part in parts), *leaf.shape[1:])
        sharding = NamedSharding(mesh, PartitionSpec(AXIS))
        return jax.make_array_from_single_device_arrays(shape, sharding, parts)

    def _first_rows(self, tree: PyTree, num_rows: int) -> PyTree:
        """Rows of all devices below each other, without what filled up."""
        if self.strategy is Strategy.PMAP:
            tree = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), tree)
        return jax.tree.map(lambda x: x[:num_rows], tree)


def _mesh(devices: Any, *axes: str) -> Mesh:
    return Mesh(np.array(devices), axes, axis_types=(AxisType.Auto,) * len(axes))
