"""RLS against weighted least squares solved at once in float64, and its long runs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import DoubleTalkGuard, init_rls, istft, rls, stft
from spatialjax.errors import ConfigError, ShapeError
from tests.audio.adaptive_cases import (
    PATH,
    complex_noise,
    gain_db,
    noisy,
    windows,
)

pytestmark = pytest.mark.usefixtures("strict_dtypes")


def batch_taps(
    primary, references, num_taps, forgetting_factor, initial_energy, floor_power=0.0
):
    """Taps [r, l] that minimise the weighted squares after the last sample.

    The floor supports one tap after the other, in the order [l, r], the oldest first.
    """
    heard = windows(references, num_taps)
    num_steps, num_all = len(heard), heard[0].size
    rows = heard[:, :, ::-1].transpose(0, 2, 1).reshape(num_steps, num_all)
    weights = forgetting_factor ** np.arange(num_steps - 1, -1, -1)
    gram = np.einsum("t,ti,tj->ij", weights, rows.conj(), rows)
    supported = np.zeros(num_all)
    np.add.at(
        supported, np.arange(num_steps) % num_all, num_all * floor_power * weights
    )
    first = initial_energy * forgetting_factor**num_steps
    gram = gram + np.diag(first + supported)
    taps = np.linalg.solve(gram, np.einsum("t,ti,t->i", weights, rows.conj(), primary))
    return taps.reshape(num_taps, -1)[::-1].T


@pytest.mark.parametrize("floor_power", [0.0, 0.01])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.complex64])
def test_taps_equal_batch_least_squares(dtype, floor_power):
    rng = np.random.default_rng(0)
    values = complex_noise(rng, 3, 203)
    if dtype == jnp.float32:
        values = values.real
    primary, references = values[0], values[1:]
    settings = {"forgetting_factor": 0.98, "floor_power": floor_power}
    errors, state = rls(
        jnp.asarray(primary, dtype),
        jnp.asarray(references, dtype),
        init_rls(2, 3, dtype=dtype, initial_energy=0.1),
        **settings,
    )
    for num_steps in (7, 50, 203):
        expected = batch_taps(
            primary[:num_steps], references[:, :num_steps], 3, 0.98, 0.1, floor_power
        )
        # The error that follows is that of the taps so far.
        if num_steps < 203:
            heard = windows(references, 3)[num_steps]
            error = primary[num_steps] - np.sum(expected * heard)
            np.testing.assert_allclose(errors[num_steps], error, atol=2e-5)
    np.testing.assert_allclose(state.filter.taps, expected, atol=1e-5)
    assert np.abs(expected).max() > 0.05


def test_root_squared_is_the_inverse_of_the_correlation():
    rng = np.random.default_rng(1)
    values = complex_noise(rng, 2, 300)
    _, state = rls(
        jnp.asarray(values[0], jnp.complex64),
        jnp.asarray(values[1:], jnp.complex64),
        init_rls(1, 4, dtype=jnp.complex64),
        forgetting_factor=0.97,
        floor_power=0.0,
    )
    rows = windows(values[1:], 4)[:, 0, ::-1]
    weights = 0.97 ** np.arange(299, -1, -1)
    gram = np.einsum("t,ti,tj->ij", weights, rows.conj(), rows)
    root = np.asarray(state.root)
    np.testing.assert_allclose(root @ root.conj().T @ gram, np.eye(4), atol=1e-4)


def test_removes_the_reference_and_finds_its_path():
    wanted, reference, heard = noisy(20000)
    primary = wanted + heard
    errors, state = rls(
        jnp.asarray(primary, jnp.float32),
        jnp.asarray(reference[None], jnp.float32),
        init_rls(1, 8),
        forgetting_factor=0.9999,
    )
    assert gain_db(wanted, primary, errors) > 30
    np.testing.assert_allclose(state.filter.taps[0], PATH, atol=1e-2)


def test_delay_lets_taps_hear_ahead():
    _, reference, heard = noisy(2000)
    primary = np.append(heard[3:], np.zeros(3))
    late, state = rls(
        jnp.asarray(primary, jnp.float32),
        jnp.asarray(reference[None], jnp.float32),
        init_rls(1, 11, delay=3, initial_energy=1e-3),
        floor_power=1e-8,
    )
    np.testing.assert_allclose(state.filter.taps[0], np.pad(PATH, (0, 3)), atol=1e-3)
    assert not late[:3].any()


@pytest.mark.parametrize("guard", [None, DoubleTalkGuard(fast=16, slow=500)])
def test_blocks_with_their_states_equal_the_whole(guard):
    rng = np.random.default_rng(2)
    primary = jnp.asarray(rng.standard_normal((3, 200)), jnp.float32)
    references = jnp.asarray(rng.standard_normal((3, 2, 200)), jnp.float32)
    start = init_rls(2, 3, delay=4, leading=(3,))

    def run(state, begin, end):
        return rls(
            primary[:, begin:end], references[..., begin:end], state, guard=guard
        )

    whole, last = run(start, 0, 200)
    state, parts = start, []
    for begin, end in [(0, 3), (3, 3), (3, 6), (6, 103), (103, 200)]:
        part, state = run(state, begin, end)
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate(parts, -1), whole)
    for found, expected in zip(
        jax.tree.leaves(state), jax.tree.leaves(last), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def trial(kind, num_steps):
    """References float64 [t] that have broken RLS in float32, with an honest path."""
    rng = np.random.default_rng(3)
    time = np.arange(num_steps)
    noise = rng.standard_normal(num_steps)
    if kind == "tone":  # leaves all taps but two undetermined
        return 0.1 * np.sin(0.2 * time)
    if kind == "silence":  # between two bursts
        return noise * ((time < 1000) | (time > num_steps - 4000))
    if kind == "loud":
        return 1e4 * noise
    if kind == "coloured":  # the spectrum spans some 80 dB
        return np.convolve(noise, np.hanning(24))[:num_steps] * 0.01
    return noise * 10.0 ** (4 * np.sin(2 * np.pi * time / 20000) - 2)  # by 160 dB


@pytest.mark.parametrize("kind", ["tone", "silence", "loud", "coloured", "swelling"])
@pytest.mark.parametrize("forgetting_factor", [0.999, 0.9999])
def test_float32_stays_sound_in_long_runs(kind, forgetting_factor):
    num_steps = 60000
    reference = trial(kind, num_steps)
    heard = np.convolve(reference, PATH)[:num_steps]
    errors, state = rls(
        jnp.asarray(heard, jnp.float32),
        jnp.asarray(reference[None], jnp.float32),
        init_rls(1, 8),
        forgetting_factor=forgetting_factor,
        floor_power=1e-8,
    )
    last = slice(num_steps - 2000, None)
    residue = np.square(errors[last]).mean() / np.square(heard[last]).mean()
    assert 10 * np.log10(residue) < -50
    root = np.asarray(state.root, np.float64)
    assert np.isfinite(root).all()
    # Where nothing is heard, the floor alone bounds P: by 1 / (its power · memory).
    assert np.square(root).sum() < 1.1 * 8 * (1 - forgetting_factor) / 1e-8
    assert np.abs(state.filter.taps).max() < 2


def test_complex_float32_stays_sound_in_a_long_run():
    rng = np.random.default_rng(4)
    num_steps = 30000
    reference = complex_noise(rng, num_steps)
    reference[5000:25000] = np.exp(0.7j * np.arange(20000))
    path = np.array([0.5 + 0.2j, -0.3j, 0.1 + 0j])
    heard = np.convolve(reference, path)[:num_steps]
    errors, state = rls(
        jnp.asarray(heard, jnp.complex64),
        jnp.asarray(reference[None], jnp.complex64),
        init_rls(1, 3, dtype=jnp.complex64),
        forgetting_factor=0.999,
    )
    np.testing.assert_allclose(state.filter.taps[0], path, atol=1e-4)
    assert np.abs(errors[-2000:]).max() < 1e-3


def test_guard_holds_taps_and_correlation_while_another_speaks():
    wanted, reference, heard = noisy(4600, wanted_level=0.01)
    wanted[4000:] += np.random.default_rng(5).standard_normal(600)
    given = (
        jnp.asarray(wanted + heard, jnp.float32),
        jnp.asarray(reference[None], jnp.float32),
    )
    guard = DoubleTalkGuard(ratio=4.0, fast=32, slow=4000)
    off = {}
    for name, chosen in (("with", guard), ("without", None)):
        _, state = rls(*given, init_rls(1, 8), forgetting_factor=0.99, guard=chosen)
        off[name] = np.abs(np.asarray(state.filter.taps[0]) - PATH).max()
    assert off["with"] < 0.1 < 0.5 < off["without"]


def test_bins_of_a_spectrum_cancel_a_path():
    wanted, reference, heard = noisy(66150, wanted_level=1.0)
    n_fft, hop = 512, 128
    spectra = [
        stft(jnp.asarray(signal, jnp.float32), n_fft, hop)
        for signal in (wanted + heard, reference)
    ]
    errors, _ = rls(
        spectra[0],
        spectra[1][:, None],
        init_rls(1, 2, leading=(n_fft // 2 + 1,), dtype=jnp.complex64),
        forgetting_factor=0.999,
    )
    result = istft(errors, hop, length=len(wanted))
    assert gain_db(wanted, wanted + heard, result) > 15


def test_what_does_not_fit_is_refused():
    given = jnp.zeros(4), jnp.zeros((1, 4))
    for settings in (
        {"forgetting_factor": 0.0},
        {"forgetting_factor": 1.01},
        {"floor_power": -1.0},
    ):
        with pytest.raises(ConfigError, match="give a factor above 0 and at most 1"):
            rls(*given, init_rls(1, 2), **settings)
    with pytest.raises(ConfigError, match="initial_energy is 0"):
        init_rls(1, 2, initial_energy=0.0)
    with pytest.raises(ShapeError, match="references has shape"):
        rls(*given, init_rls(2, 2))
    with pytest.raises(ShapeError, match="root has shape"):
        rls(*given, init_rls(1, 2)._replace(root=jnp.zeros((3, 3))))
    with pytest.raises(ConfigError, match="give the initial state dtype=complex64"):
        rls(jnp.zeros(4, jnp.complex64), given[1], init_rls(1, 2))
