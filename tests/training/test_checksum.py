import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.training.checksum import FACTOR, checksum, device_checksums
from spatialjax.training.parallel import ParallelConfig, Strategy

RNG = np.random.default_rng(0)
ARRAYS = {
    "kernel": RNG.normal(size=(64, 3, 128)).astype(np.float32),
    "half": np.asarray(jnp.asarray(RNG.normal(size=(16, 5)), jnp.bfloat16)),
    "count": np.int32(-7),
    "signed": RNG.integers(-9, 9, (8, 1024)).astype(np.int8),
    "truth": RNG.integers(0, 2, 64).astype(bool),
    "empty": np.zeros((0, 3), np.float32),
}


def test_it_is_the_sum_that_the_docstring_tells():
    values = np.array([1.5, -2.0, 0.0], np.float32)
    bits = [int.from_bytes(value.tobytes(), "little") for value in values]
    weights = [(place * FACTOR) % 2**32 | 1 for place in range(3)]
    total = sum(b * w for b, w in zip(bits, weights, strict=True))
    assert checksum(values) == total % 2**32


@pytest.mark.parametrize("strategy", [Strategy.DATA, Strategy.FSDP])
def test_devices_that_hold_parts_find_that_of_the_whole(strategy):
    placed = ParallelConfig(strategy).build().place(ARRAYS)
    found = jax.device_get(device_checksums(placed))
    assert found == {name: checksum(array) for name, array in ARRAYS.items()}


def test_parts_do_not_move_to_be_counted():
    placed = ParallelConfig(Strategy.FSDP).build().place({"kernel": ARRAYS["kernel"]})
    assert not placed["kernel"].is_fully_replicated
    program = device_checksums.lower(placed).compile().as_text()
    assert "all-gather" not in program


@pytest.mark.parametrize("bit", [0, 7, 22, 31])
@pytest.mark.parametrize("place", [0, 1, 12345])
def test_each_flipped_bit_tells(bit, place):
    flipped = ARRAYS["kernel"].copy()
    flipped.view(np.uint32).ravel()[place] ^= np.uint32(1 << bit)
    assert checksum(flipped) != checksum(ARRAYS["kernel"])


def test_other_damage_tells():
    kernel = ARRAYS["kernel"]
    assert checksum(kernel[::-1]) != checksum(kernel)
    assert checksum(np.zeros_like(kernel)) != checksum(kernel)
    halved = kernel.copy()
    halved[32:] = 0
    assert checksum(halved) != checksum(kernel)
