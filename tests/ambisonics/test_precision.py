import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics.precision import float_arrays

pytestmark = pytest.mark.usefixtures("strict_dtypes")


@pytest.mark.parametrize(
    "values",
    [
        (np.ones(2),),
        (np.float32(1), 2.0),
        (1, np.ones(2, np.int32), np.ones(2, np.float32)),
    ],
)
def test_numpy_stays_in_numpy_and_becomes_float64(values):
    xp, *arrays = float_arrays(*values)
    assert xp is np
    assert [type(array) for array in arrays] == [np.ndarray] * len(values)
    assert {array.dtype for array in arrays} == {np.dtype(np.float64)}


@pytest.mark.parametrize(
    "values",
    [(1.0,), (1, 2), (jnp.ones(2),), (np.ones(2), jnp.ones(2)), ([1.0, 2.0],)],
)
def test_anything_else_goes_to_jax_and_becomes_float32(values):
    xp, *arrays = float_arrays(*values)
    assert xp is jnp
    assert all(isinstance(array, jax.Array) for array in arrays)
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_a_tracer_beside_a_constant_is_traced():
    def total(traced):
        xp, traced, constant = float_arrays(traced, np.arange(3))
        return xp.sum(traced * constant)

    assert jax.jit(total)(jnp.ones(3)) == 3
