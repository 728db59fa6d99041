import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.models.synthesizer import (
    Synthesizer,
    SynthesizerConfig,
    SynthesizerKind,
)
from spatialjax.nn import Functional
from tests.models.running import count_parameters


def _case(kind):
    rng = np.random.default_rng(0)
    draw = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)  # noqa: E731
    functional = Functional(Synthesizer, SynthesizerConfig(4, kind))
    params, state = functional.init(jax.random.key(0))
    params = {name: draw(*value.shape) for name, value in params.items()}
    scale = np.asarray(params.get("scale", np.ones(4)), np.float64)
    bias = np.float64(params["bias"][0])
    return functional, params, state, draw, scale, bias


def test_parameter_count():
    kinds = {SynthesizerKind.LINEAR: 33, SynthesizerKind.BIAS: 1}
    for kind, expected in kinds.items():
        functional = Functional(Synthesizer, SynthesizerConfig(32, kind))
        assert count_parameters(functional) == expected


@pytest.mark.parametrize("kind", SynthesizerKind)
def test_sum_is_the_inner_product(kind):
    functional, params, state, draw, scale, bias = _case(kind)
    visual, sound = draw(2, 3, 4), draw(2, 5, 6, 4)
    logits, _ = functional.apply(params, state, visual, sound)
    expected = np.einsum("bnc,c,bfkc->bnfk", visual, scale, sound) + bias
    np.testing.assert_allclose(logits, expected, atol=1e-5)


@pytest.mark.parametrize("kind", SynthesizerKind)
def test_terms_have_the_bias_in_every_channel(kind):
    functional, params, state, draw, scale, bias = _case(kind)
    visual, sound = draw(2, 3, 4), draw(2, 5, 6, 4)
    terms, _ = functional.apply(params, state, visual, sound, method="terms")
    expected = np.einsum("bnc,c,bfkc->bnfkc", visual, scale, sound) + bias
    np.testing.assert_allclose(terms, expected, atol=1e-5)


def test_pixelwise_is_the_sum_at_each_place():
    functional, params, state, draw, _, _ = _case(SynthesizerKind.LINEAR)
    visual, sound = draw(2, 3, 7, 8, 4), draw(2, 5, 6, 4)
    logits, _ = functional.apply(params, state, visual, sound)
    assert logits.shape == (2, 3, 7, 8, 5, 6)
    one, _ = functional.apply(params, state, visual[:, :, 2, 3], sound)
    np.testing.assert_allclose(logits[:, :, 2, 3], one, atol=1e-6)


def test_bfloat16_features_give_float32_logits():
    functional = Functional(Synthesizer, SynthesizerConfig(4, dtype="bfloat16"))
    params, state = functional.init(jax.random.key(0))
    visual, sound = jnp.ones((1, 2, 4)), jnp.ones((1, 3, 3, 4), jnp.bfloat16)
    logits, _ = functional.apply(params, state, visual, sound)
    assert logits.dtype == jnp.float32
    np.testing.assert_array_equal(logits, np.full((1, 2, 3, 3), 4.0))
