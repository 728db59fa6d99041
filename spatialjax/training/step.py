"""The mathematics of one training step, the same on one device and on many."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from spatialjax.tasks.base import Aux, Trainable, Variables
from spatialjax.training.optimizer import Optimizer
from spatialjax.training.remat import Remat
from spatialjax.typing import Array, Batch, PyTree


class TrainState(NamedTuple):
    """Everything that a step changes; `step` counts the updates made, int32."""

    step: Array
    params: PyTree
    state: PyTree
    opt_state: PyTree


class StepReport(NamedTuple):
    """What a step tells: scalars by name, and whether all of them are finite."""

    scalars: dict[str, Array]
    is_finite: Array


class _Sums(NamedTuple):
    """What is added over the micro-batches and the devices of a step."""

    loss: Array
    weight: Array
    scalars: dict[str, Array]
    gradient: PyTree


_AddUp = Callable[[PyTree, PyTree, Batch, Array], tuple[PyTree, _Sums]]

TrainStep = Callable[[TrainState, Batch], tuple[TrainState, StepReport]]


def init_state(variables: Variables, optimizer: Optimizer) -> TrainState:
    """The state before the first step; traced or with arrays."""
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=variables.params,
        state=variables.state,
        opt_state=optimizer.transform.init(variables.params),
    )


def make_train_step(
    task: Trainable,
    optimizer: Optimizer,
    seed: int,
    axis: str | None,
    *,
    num_micro_batches: int = 1,
    remat: Remat = Remat.NONE,
) -> TrainStep:
    """One step: gradient of sum(loss) / sum(weight) over all devices, then an update.

    Random draws depend on (seed, step) and, inside the task, on the example alone:
    a resumed run and another number of devices draw the same numbers. `axis` names the
    device axis under `pmap` and is None otherwise. With several micro-batches the
    entries of a batch are ``[micro-batches, rows, ...]``: gradients are added one after
    the other, and only batch statistics, which each micro-batch has of its own, tell
    the result from that of one batch.
    """
    add_up = _adder(task, optimizer, axis, remat)
    if num_micro_batches > 1:
        add_up = _adder_of_parts(add_up)

    def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, StepReport]:
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        statistics, sums = add_up(state.params, state.state, batch, key)
        sums = sums if axis is None else jax.lax.psum(sums, axis)
        share = 1.0 / jnp.where(sums.weight > 0, sums.weight, 1.0)
        gradient = jax.tree.map(lambda g: g * share.astype(g.dtype), sums.gradient)
        updates, opt_state = optimizer.transform.update(
            gradient, state.opt_state, state.params
        )
        new = TrainState(
            step=state.step + 1,
            params=optax.apply_updates(state.params, updates),
            state=jax.tree.map(
                lambda keep, old, fresh: old if keep else fresh,
                optimizer.keeps_statistics,
                state.state,
                statistics,
            ),
            opt_state=opt_state,
        )
        scalars = {
            "loss": sums.loss * share,
            **{name: value * share for name, value in sums.scalars.items()},
            "gradient_norm": _norm(gradient),
            "update_norm": _norm(updates),
            "parameter_norm": _norm(new.params),
            **{n: rate(state.step) for n, rate in optimizer.learning_rates.items()},
        }
        norms = [sums.loss, _norm(gradient), _norm(new.params), _norm(new.state)]
        is_finite = jnp.isfinite(jnp.stack([n.astype(jnp.float32) for n in norms]))
        return new, StepReport(scalars, is_finite.all())

    return train_step


def _adder(
    task: Trainable, optimizer: Optimizer, axis: str | None, remat: Remat
) -> _AddUp:
    """The statistics after a batch, and its sums."""

    def add_up(
        params: PyTree, statistics: PyTree, batch: Batch, key: Array
    ) -> tuple[PyTree, _Sums]:
        def loss(params: PyTree) -> tuple[Array, Aux]:
            return task.loss(Variables(params, statistics), batch, key, axis)

        gradient_of = jax.value_and_grad(remat.wrap(loss), has_aux=True)
        (total, aux), gradient = gradient_of(params)
        gradient = _zero_where(optimizer.is_frozen, gradient)
        return aux.state, _Sums(total, aux.weight, aux.scalars, gradient)

    return add_up


def _adder_of_parts(add_up: _AddUp) -> _AddUp:
    """The same for the micro-batches on the leading axis, one after the other."""

    def add_up_all(
        params: PyTree, statistics: PyTree, batch: Batch, key: Array
    ) -> tuple[PyTree, _Sums]:
        def add(carry: tuple[PyTree, _Sums], rows: Batch) -> tuple[tuple, None]:
            statistics, sums = carry
            statistics, more = add_up(params, statistics, rows, key)
            return (statistics, jax.tree.map(jnp.add, sums, more)), None

        first = jax.tree.map(lambda rows: rows[0], batch)
        shapes = jax.eval_shape(add_up, params, statistics, first, key)[1]
        zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
        return jax.lax.scan(add, (statistics, zeros), batch)[0]

    return add_up_all


def make_train_call(step: TrainStep, num_steps: int) -> TrainStep:
    """A function of `num_steps` batches, one behind the other, for as many steps.

    Entries of its batch and of its report have the steps for a leading axis. One call
    for many steps saves the host's part of each, which a small model waits for.
    """

    def call(state: TrainState, batch: Batch) -> tuple[TrainState, StepReport]:
        if num_steps > 1:
            return jax.lax.scan(step, state, batch)
        state, report = step(state, jax.tree.map(lambda entry: entry[0], batch))
        return state, jax.tree.map(lambda value: value[None], report)

    return call


def _zero_where(is_zero: PyTree, tree: PyTree) -> PyTree:
    return jax.tree.map(lambda z, x: jnp.zeros_like(x) if z else x, is_zero, tree)


def _norm(tree: PyTree) -> Array:
    """Euclidean norm over all leaves, float32."""
    squares = [
        jnp.sum(jnp.square(x.astype(jnp.float32))) for x in jax.tree.leaves(tree)
    ]
    return jnp.sqrt(sum(squares, jnp.zeros((), jnp.float32)))
