"""Memory as the compiler states it."""

import math

import jax
import jax.numpy as jnp
import pytest

from spatialjax.tasks.cost import device_memory_gb, memory_gb


def test_a_program_takes_what_goes_in_and_comes_out():
    x = jnp.zeros(1_000_000, jnp.float32)
    compiled = jax.jit(lambda x: x + 1).lower(x).compile()
    assert memory_gb(compiled) == pytest.approx(8e-3, rel=0.01)


def test_what_is_donated_counts_once():
    x = jnp.zeros(1_000_000, jnp.float32)
    compiled = jax.jit(lambda x: x + 1, donate_argnums=0).lower(x).compile()
    assert memory_gb(compiled) == pytest.approx(4e-3, rel=0.01)


def test_a_compiler_that_does_not_tell():
    class Silent:
        def memory_analysis(self):
            return None

    assert math.isnan(memory_gb(Silent()))


def test_a_device_has_some_memory():
    assert 0.05 < device_memory_gb() < math.inf
