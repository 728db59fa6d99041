"""The mathematics of one training step, the same on one device and on many."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from spatialjax.tasks.base import Trainable, Variables
from spatialjax.training.optimizer import Optimizer
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
    task: Trainable, optimizer: Optimizer, seed: int, axis: str | None
) -> TrainStep:
    """One step: gradient of sum(loss) / sum(weight) over all devices, then an update.

    Random draws depend on (seed, step) and, inside the task, on the example alone:
    a resumed run and another number of devices draw the same numbers. `axis` names the
    device axis under `pmap` and is None under `jit`.
    """

    def sum_over_devices(tree: PyTree) -> PyTree:
        return tree if axis is None else jax.lax.psum(tree, axis)

    def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, StepReport]:
        key = jax.random.fold_in(jax.random.key(seed), state.step)

        def loss(params: PyTree) -> tuple[Array, tuple]:
            return task.loss(Variables(params, state.state), batch, key, axis)

        (total, aux), gradient = jax.value_and_grad(loss, has_aux=True)(state.params)
        gradient = _zero_where(optimizer.is_frozen, gradient)
        total, weight, sums, gradient = sum_over_devices(
            (total, aux.weight, aux.scalars, gradient)
        )
        share = 1.0 / jnp.where(weight > 0, weight, 1.0)
        gradient = jax.tree.map(lambda g: g * share.astype(g.dtype), gradient)
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
                aux.state,
            ),
            opt_state=opt_state,
        )
        scalars = {
            "loss": total * share,
            **{name: value * share for name, value in sums.items()},
            "gradient_norm": _norm(gradient),
            "update_norm": _norm(updates),
            "parameter_norm": _norm(new.params),
            **{n: rate(state.step) for n, rate in optimizer.learning_rates.items()},
        }
        norms = [total, _norm(gradient), _norm(new.params), _norm(new.state)]
        is_finite = jnp.isfinite(jnp.stack([n.astype(jnp.float32) for n in norms]))
        return new, StepReport(scalars, is_finite.all())

    return train_step


def _zero_where(is_zero: PyTree, tree: PyTree) -> PyTree:
    return jax.tree.map(lambda z, x: jnp.zeros_like(x) if z else x, is_zero, tree)


def _norm(tree: PyTree) -> Array:
    """Euclidean norm over all leaves, float32."""
    squares = [
        jnp.sum(jnp.square(x.astype(jnp.float32))) for x in jax.tree.leaves(tree)
    ]
    return jnp.sqrt(sum(squares, jnp.zeros((), jnp.float32)))
