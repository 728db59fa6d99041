"""LMS and NLMS against plain loops in float64, and what they promise."""

import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import DoubleTalkGuard, init_adaptive, istft, lms, nlms, stft
from spatialjax.errors import ConfigError, ShapeError
from tests.audio.adaptive_cases import (
    PATH,
    complex_noise,
    descend,
    gain_db,
    noisy,
    windows,
)

pytestmark = pytest.mark.usefixtures("strict_dtypes")


def as_float32(*arrays):
    return [jnp.asarray(array, jnp.float32) for array in arrays]


def test_lms_equals_the_plain_loop():
    wanted, reference, heard = noisy(600)
    primary = wanted + heard
    expected, taps = descend(primary, reference[None], 8, lambda u: 2.0, leak=1e-3)
    errors, state = lms(
        *as_float32(primary, reference[None]),
        init_adaptive(1, 8),
        step_size=2.0,
        leak=1e-3,
    )
    np.testing.assert_allclose(errors, expected, atol=1e-6)
    np.testing.assert_allclose(state.taps, taps, atol=1e-5)


def test_nlms_of_two_references_equals_the_plain_loop():
    rng = np.random.default_rng(1)
    primary, references = rng.standard_normal(500), rng.standard_normal((2, 500))
    references[0] *= 100

    def gain(heard):
        return 0.3 / (6 * 1e-2 + np.sum(heard**2))

    expected, taps = descend(primary, references, 3, gain, leak=1e-2)
    errors, state = nlms(
        *as_float32(primary, references),
        init_adaptive(2, 3),
        step_size=0.3,
        floor_power=1e-2,
        leak=1e-2,
    )
    np.testing.assert_allclose(errors, expected, atol=2e-5)
    np.testing.assert_allclose(state.taps, taps, atol=1e-5)


def test_each_bin_of_a_spectrum_equals_the_plain_complex_loop():
    rng = np.random.default_rng(2)
    primary = complex_noise(rng, 2, 5, 40)  # [c, f, k]
    references = complex_noise(rng, 2, 5, 1, 40)
    errors, state = nlms(
        jnp.asarray(primary, jnp.complex64),
        jnp.asarray(references, jnp.complex64),
        init_adaptive(1, 3, leading=(2, 5), dtype=jnp.complex64),
        step_size=0.5,
        floor_power=1e-3,
    )
    assert errors.dtype == jnp.complex64

    def gain(heard):
        return 0.5 / (3e-3 + np.sum(np.abs(heard) ** 2))

    for index in np.ndindex(2, 5):
        expected, taps = descend(primary[index], references[index], 3, gain)
        np.testing.assert_allclose(errors[index], expected, atol=1e-5)
        np.testing.assert_allclose(state.taps[index], taps, atol=1e-5)


def test_nlms_removes_the_reference_and_finds_its_path():
    wanted, reference, heard = noisy(40000)
    primary = wanted + heard
    errors, state = nlms(
        *as_float32(primary, reference[None]), init_adaptive(1, 8), step_size=0.002
    )
    assert gain_db(wanted, primary, errors) > 15
    np.testing.assert_allclose(state.taps[0], PATH, atol=1e-2)


def test_two_references_have_a_path_each():
    _, first, heard = noisy(8000, seed=3)
    other_path = np.array([0.1, 0.4, -0.7])
    _, second, heard_too = noisy(8000, other_path, seed=4)
    _, state = nlms(
        *as_float32(heard + heard_too, np.stack([first, second])),
        init_adaptive(2, 8),
        step_size=0.3,
    )
    np.testing.assert_allclose(state.taps[0], PATH, atol=1e-4)
    np.testing.assert_allclose(state.taps[1], np.pad(other_path, (0, 5)), atol=1e-4)


def test_delay_lets_taps_hear_ahead():
    delay = 3
    _, reference, heard = noisy(6000)
    primary = np.append(heard[delay:], np.zeros(delay))  # 3 samples before the sound
    given = as_float32(primary, reference[None])
    late, state = nlms(*given, init_adaptive(1, 11, delay=delay), step_size=0.5)
    np.testing.assert_allclose(state.taps[0], np.pad(PATH, (0, 3)), atol=1e-3)
    assert not late[:delay].any()
    assert np.abs(late[3000:]).max() < 1e-3
    now, _ = nlms(*given, init_adaptive(1, 11), step_size=0.5)
    assert np.abs(now[3000:]).max() > 0.05


@pytest.mark.parametrize("guard", [None, DoubleTalkGuard(fast=16, slow=500)])
@pytest.mark.parametrize("filter_", [lms, nlms])
def test_blocks_with_their_states_equal_the_whole(filter_, guard):
    rng = np.random.default_rng(5)
    primary = jnp.asarray(rng.standard_normal((2, 3, 300)), jnp.float32)
    references = jnp.asarray(rng.standard_normal((2, 3, 2, 300)), jnp.float32)
    start = init_adaptive(2, 4, delay=5, leading=(2, 3))

    def run(state, begin, end):
        return filter_(
            primary[..., begin:end],
            references[..., begin:end],
            state,
            step_size=0.01,
            guard=guard,
        )

    whole, last = run(start, 0, 300)
    state, parts = start, []
    for begin, end in [(0, 2), (2, 2), (2, 4), (4, 152), (152, 300)]:
        part, state = run(state, begin, end)
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate(parts, -1), whole)
    for found, expected in zip(state, last, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_lms_is_stable_up_to_its_limit_and_not_beyond():
    # One tap and a reference of power 1: the tap's error is multiplied by 1 - step.
    reference = np.sign(np.random.default_rng(6).standard_normal(200))
    given = as_float32(0.5 * reference, reference[None])
    below, state = lms(*given, init_adaptive(1, 1), step_size=1.9)
    np.testing.assert_allclose(state.taps, [[0.5]], atol=1e-6)
    assert np.abs(below[-1]) < 1e-6
    beyond, _ = lms(*given, init_adaptive(1, 1), step_size=2.1)
    np.testing.assert_allclose(np.abs(beyond[-1]), 0.5 * 1.1**199, rtol=1e-3)


@pytest.mark.parametrize("level", [1e-3, 1.0, 1e3])
def test_nlms_converges_alike_at_any_level_and_nearly_to_its_limit(level):
    _, reference, heard = noisy(4000)
    given = as_float32(level * heard, level * reference[None])
    for step_size in (0.5, 1.9):
        errors, state = nlms(
            *given, init_adaptive(1, 8), step_size=step_size, floor_power=1e-12
        )
        np.testing.assert_allclose(state.taps[0], PATH, atol=2e-3)
        assert np.isfinite(errors).all()


def test_silence_leaves_the_taps_in_place():
    _, reference, _ = noisy(3000)
    reference[1000:] = 0
    heard = np.convolve(reference, PATH)[:3000]
    errors, state = nlms(
        *as_float32(heard, reference[None]), init_adaptive(1, 8), step_size=0.5
    )
    np.testing.assert_allclose(state.taps[0], PATH, atol=1e-3)
    assert not errors[1100:].any()


def test_leak_forgets_geometrically_where_nothing_is_heard():
    state = init_adaptive(1, 4)._replace(taps=jnp.ones((1, 4)))
    _, after = nlms(jnp.zeros(100), jnp.zeros((1, 100)), state, leak=0.01)
    np.testing.assert_allclose(after.taps, np.full((1, 4), 0.99**100), rtol=1e-5)


def test_guard_holds_the_taps_while_another_speaks():
    wanted, reference, heard = noisy(12000, wanted_level=0.01)
    wanted[8000:] += np.random.default_rng(7).standard_normal(4000)  # 60 dB louder
    given = as_float32(wanted + heard, reference[None])
    guard = DoubleTalkGuard(ratio=4.0, fast=32, slow=4000)
    first = [array[..., :8900] for array in given]
    _, free = nlms(*first, init_adaptive(1, 8), step_size=0.2)
    _, held = nlms(*first, init_adaptive(1, 8), step_size=0.2, leak=3e-4, guard=guard)
    assert np.abs(held.taps[0] - PATH).max() < 0.05  # 0.2, were they to leak meanwhile
    assert np.abs(free.taps[0] - PATH).max() > 0.5
    # What lasts is no double talk: after slow / ratio steps the filter adapts again.
    _, later = nlms(*[a[..., 8900:] for a in given], held, step_size=0.2, guard=guard)
    assert np.abs(later.taps - held.taps).max() > 0.1


def test_guard_counts_the_power_of_each_lane_for_itself():
    wanted, reference, heard = noisy(3000, wanted_level=0.01)
    loud = wanted.copy()
    loud[2500:] += np.random.default_rng(8).standard_normal(500)
    primary = np.stack([wanted + heard, loud + heard])
    references = np.stack([reference, reference])[:, None]
    guard = DoubleTalkGuard(ratio=4.0, fast=32, slow=2000)

    def run(primary, references, leading):
        given = as_float32(primary, references)
        state = init_adaptive(1, 8, leading=leading)
        return nlms(*given, state, step_size=0.2, guard=guard)

    both, _ = run(primary, references, (2,))
    for lane in range(2):
        alone, _ = run(primary[lane], references[lane], ())
        np.testing.assert_allclose(both[lane], alone, atol=1e-6)


def test_bins_of_a_spectrum_cancel_a_real_room_path():
    # A path far shorter than the window is nearly one factor for each bin.
    wanted, reference, heard = noisy(66150, wanted_level=1.0)
    n_fft, hop = 512, 128
    spectra = [
        stft(jnp.asarray(signal, jnp.float32), n_fft, hop)
        for signal in (wanted + heard, reference)
    ]
    errors, _ = nlms(
        spectra[0],
        spectra[1][:, None],
        init_adaptive(1, 2, leading=(n_fft // 2 + 1,), dtype=jnp.complex64),
        step_size=0.05,
    )
    result = istft(errors, hop, length=len(wanted))
    assert gain_db(wanted, wanted + heard, result) > 8


def test_numbers_out_of_range_are_refused():
    given = jnp.zeros(4), jnp.zeros((1, 4)), init_adaptive(1, 2)
    for settings in (
        {"step_size": 0.0},
        {"step_size": 2.0},
        {"leak": 1.0},
        {"leak": -0.1},
        {"floor_power": 0.0},
    ):
        with pytest.raises(ConfigError, match="give a step between 0 and 2"):
            nlms(*given, **settings)
    for settings in ({"step_size": -1.0}, {"step_size": 1.0, "leak": 1.0}):
        with pytest.raises(ConfigError, match="give a step above 0"):
            lms(*given, **settings)
    for numbers in ((0, 1, 0), (1, 0, 0), (1, 1, -1)):
        with pytest.raises(ConfigError, match="give at least 1"):
            init_adaptive(*numbers[:2], delay=numbers[2])
    for guard in ({"ratio": 0.5}, {"fast": 0}, {"fast": 9, "slow": 9}):
        with pytest.raises(ConfigError, match="the guard has"):
            DoubleTalkGuard(**guard)


def test_arrays_that_do_not_belong_together_are_refused():
    state = init_adaptive(2, 4, leading=(3,))
    primary, references = jnp.zeros((3, 9)), jnp.zeros((3, 2, 9))
    for wrong in (jnp.zeros((2, 9)), jnp.zeros(9), jnp.zeros((3, 1, 9))):
        with pytest.raises(ShapeError, match="primary has shape"):
            nlms(wrong, references, state)
    for wrong in (references[:, :1], references[..., :8], jnp.zeros((2, 9))):
        with pytest.raises(ShapeError, match="references has shape"):
            nlms(primary, wrong, state)
    with pytest.raises(ConfigError, match="primary has dtype complex64"):
        nlms(primary.astype(jnp.complex64), references, state)
    with pytest.raises(ConfigError, match="references has dtype complex64"):
        nlms(primary, references.astype(jnp.complex64), state)


def test_windows_of_the_loops_hold_the_newest_first():
    found = windows(np.arange(1.0, 4.0)[None], 2)
    np.testing.assert_array_equal(found[:, 0], [[1, 0], [2, 1], [3, 2]])
