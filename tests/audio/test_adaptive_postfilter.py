"""Each filter of estimates does what it is called, in blocks as at once."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import (
    PostFilter,
    PostFilterPrimary,
    PostFilterSettings,
    enforce_mixture_consistency,
    init_adaptive,
    init_postfilter,
    nlms,
    postfilter,
    wiener_masks,
)
from spatialjax.errors import ConfigError, ShapeError
from tests.audio.adaptive_cases import complex_noise

pytestmark = pytest.mark.usefixtures("strict_dtypes")
RNG = np.random.default_rng(0)
SIGNALS = jnp.asarray(RNG.standard_normal((3, 2, 240)), jnp.float32)
SPECTRA = jnp.asarray(complex_noise(RNG, 3, 2, 5, 60), jnp.complex64)


def mixture_of(estimates):
    return estimates.sum(0) * 1.2


def apply(settings, estimates, mixture=None):
    mixture = mixture_of(estimates) if mixture is None else mixture
    state = init_postfilter(settings, estimates)
    return postfilter(settings, estimates, mixture, state)[0]


@pytest.mark.parametrize(
    ("kind", "estimates"),
    [
        *((kind, SPECTRA) for kind in PostFilter),
        *((kind, SIGNALS) for kind in PostFilter if kind != PostFilter.WIENER),
    ],
)
def test_blocks_equal_the_whole(kind, estimates):
    settings = PostFilterSettings(kind=kind, num_taps=3, step_size=0.01)
    mixture = mixture_of(estimates)
    whole = apply(settings, estimates)
    assert (whole.shape, whole.dtype) == (estimates.shape, estimates.dtype)
    state, parts = init_postfilter(settings, estimates[..., :1]), []
    half = estimates.shape[-1] // 2
    for block in (slice(0, half), slice(half, None)):
        part, state = postfilter(
            settings, estimates[..., block], mixture[..., block], state
        )
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate(parts, -1), whole)


def test_none_changes_nothing():
    assert apply(PostFilterSettings(), SIGNALS) is SIGNALS


def test_mixture_consistency_adds_up_to_the_mixture():
    settings = PostFilterSettings(kind=PostFilter.MIXTURE_CONSISTENCY)
    for estimates in (SIGNALS, SPECTRA):
        found = apply(settings, estimates)
        mixture = mixture_of(estimates)
        np.testing.assert_allclose(found.sum(0), mixture, atol=1e-5)
        expected = enforce_mixture_consistency(estimates, mixture, 0)
        np.testing.assert_array_equal(found, expected)


def test_wiener_shares_the_mixture_by_power():
    found = apply(PostFilterSettings(kind=PostFilter.WIENER), SPECTRA)
    mixture = mixture_of(SPECTRA)
    np.testing.assert_allclose(found.sum(0), mixture, atol=1e-5)
    for channel in range(2):
        masks = wiener_masks(jnp.abs(SPECTRA[:, channel]))
        np.testing.assert_allclose(
            found[:, channel],
            np.asarray(masks) * np.asarray(mixture[channel]),
            atol=1e-5,
        )


@pytest.mark.parametrize("primary", list(PostFilterPrimary))
def test_others_are_the_references_of_each_source(primary):
    settings = PostFilterSettings(
        kind=PostFilter.NLMS, primary=primary, num_taps=2, step_size=0.3
    )
    found = apply(settings, SPECTRA)
    mixture = mixture_of(SPECTRA)
    for source, channel, f in np.ndindex(3, 2, 5):
        others = [SPECTRA[m, channel, f] for m in range(3) if m != source]
        is_mixture = primary == PostFilterPrimary.MIXTURE
        expected, _ = nlms(
            mixture[channel, f] if is_mixture else SPECTRA[source, channel, f],
            jnp.stack(others),
            init_adaptive(2, 2, dtype=jnp.complex64),
            step_size=0.3,
        )
        np.testing.assert_allclose(found[source, channel, f], expected, atol=1e-4)


def test_a_clean_leak_is_removed_and_a_mutual_one_is_not():
    # Where one estimate holds its source alone it cleans the other. Where both leak,
    # each reference takes a part of the wanted source away.
    rng = np.random.default_rng(1)
    sources = jnp.asarray(0.1 * rng.standard_normal((2, 1, 8000)), jnp.float32)
    settings = PostFilterSettings(kind=PostFilter.RLS, num_taps=4)

    def error(estimates):
        return float(jnp.square(estimates - sources)[0, :, 4000:].mean())

    clean = jnp.stack([sources[0] + 0.5 * sources[1], sources[1]])
    assert error(apply(settings, clean, sources.sum(0))) < 0.01 * error(clean)
    mutual = sources + 0.5 * sources[::-1]
    assert error(apply(settings, mutual, sources.sum(0))) > error(mutual)


def test_settings_may_be_static():
    settings = PostFilterSettings(kind=PostFilter.RLS, num_taps=2)
    compiled = jax.jit(postfilter, static_argnums=0)
    mixture = mixture_of(SIGNALS)
    found, _ = compiled(settings, SIGNALS, mixture, init_postfilter(settings, SIGNALS))
    np.testing.assert_allclose(found, apply(settings, SIGNALS), atol=1e-5)


def test_the_state_is_made_from_shape_and_dtype_alone():
    settings = PostFilterSettings(kind=PostFilter.LMS, num_taps=4)
    like = jax.ShapeDtypeStruct((3, 2, 5, 60), jnp.complex64)
    state = init_postfilter(settings, like)
    assert state.taps.shape == (3, 2, 5, 2, 4)
    assert state.taps.dtype == jnp.complex64
    assert init_postfilter(PostFilterSettings(), like) == ()


def test_what_does_not_fit_is_refused():
    adaptive = PostFilterSettings(kind=PostFilter.NLMS)
    with pytest.raises(ConfigError, match="there is 1 source"):
        init_postfilter(adaptive, SIGNALS[:1])
    with pytest.raises(ConfigError, match="has delay 3; give 0"):
        init_postfilter(dataclasses.replace(adaptive, delay=3), SIGNALS)
    with pytest.raises(ShapeError, match=r"the mixture \[3, 2, 240\]"):
        postfilter(PostFilterSettings(), SIGNALS, SIGNALS, ())
    wiener = PostFilterSettings(kind=PostFilter.WIENER)
    with pytest.raises(ConfigError, match="give it complex spectra"):
        postfilter(wiener, SIGNALS, SIGNALS[0], ())
    state = init_postfilter(adaptive, SIGNALS)
    with pytest.raises(ShapeError, match="primary has shape"):
        postfilter(adaptive, SIGNALS[:2], SIGNALS[0], state)
    spectra = SIGNALS.astype(jnp.complex64)
    with pytest.raises(ConfigError, match="primary has dtype complex64"):
        postfilter(adaptive, spectra, spectra[0], state)
