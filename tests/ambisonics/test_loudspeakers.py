import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics import (
    DecoderKind,
    Layout,
    LoudspeakerMethod,
    Mirror,
    angles_to_direction,
    decode,
    fibonacci_grid,
    loudspeaker_decoder,
    max_re,
    mirror_signs,
    plane_wave_decoder,
    spherical_harmonics,
)
from spatialjax.errors import ConfigError, ShapeError

SOURCES = fibonacci_grid(1000).direction
HORIZON = angles_to_direction(np.linspace(-np.pi, np.pi, 181), np.zeros(181))
GOLDEN = (1 + 5**0.5) / 2
ICOSAHEDRON = np.array(
    [
        np.roll([0, first, second * GOLDEN], turn)
        for turn in range(3)
        for first in (-1, 1)
        for second in (-1, 1)
    ]
) / np.hypot(1, GOLDEN)
REGULAR = [(Layout.OCTAHEDRON, 1), (Layout.CUBE, 1), (ICOSAHEDRON, 2)]
EVERY = [LoudspeakerMethod.SAMPLING, LoudspeakerMethod.MODE_MATCHING, "epad", "allrad"]


def play(speakers, order, method, sources, kind=DecoderKind.MAX_RE):
    """Gains [sources, heard speakers] of plane waves, and the speakers' directions."""
    decoder = loudspeaker_decoder(speakers, order, method, kind)
    if isinstance(speakers, Layout):
        decoder, speakers = decoder[~speakers.is_lfe], speakers.directions
    return spherical_harmonics(sources, order) @ decoder.T.astype(float), speakers


def vector(gains, speakers):
    """Velocity vector (of gains) or energy vector (of their squares)."""
    return gains @ speakers / gains.sum(1, keepdims=True)


def angle_deg(vectors, sources):
    cosine = (vectors * sources).sum(1) / np.linalg.norm(vectors, axis=1)
    return np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))


@pytest.mark.parametrize("method", EVERY)
@pytest.mark.parametrize(("speakers", "order"), REGULAR)
def test_on_regular_layouts_both_vectors_point_at_the_source(speakers, order, method):
    # Designs of degree 2N + 1 sum such energy vectors exactly; panning, inside ALLRAD,
    # is not polynomial.
    gains, directions = play(speakers, order, method, SOURCES)
    energy = (gains**2).sum(1)
    velocity, force = vector(gains, directions), vector(gains**2, directions)
    if method == LoudspeakerMethod.ALLRAD:
        np.testing.assert_allclose(energy, energy[0], rtol=0.03)
        assert (
            max(angle_deg(velocity, SOURCES).max(), angle_deg(force, SOURCES).max()) < 3
        )
        return
    np.testing.assert_allclose(energy, 1, rtol=1e-5)
    np.testing.assert_allclose(force, max_re(order) * SOURCES, atol=1e-5)
    assert angle_deg(velocity, SOURCES).max() < 0.02


def test_sampling_on_a_regular_layout_is_the_plane_wave_decoder():
    expected = plane_wave_decoder(ICOSAHEDRON, 2, scale="energy") / np.sqrt(12)
    given = loudspeaker_decoder(ICOSAHEDRON, 2, LoudspeakerMethod.SAMPLING)
    np.testing.assert_allclose(given, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("speakers", "order"),
    [
        (Layout.SURROUND_7_1, 3),
        (Layout.SURROUND_5_1, 2),
        (Layout.SURROUND_7_1_4, 1),
        (fibonacci_grid(20).direction, 3),
    ],
)
@pytest.mark.parametrize("kind", [DecoderKind.BASIC, DecoderKind.MAX_RE])
def test_epad_keeps_the_energy_of_every_source(speakers, order, kind):
    is_flat = isinstance(speakers, Layout) and not speakers.directions[:, 2].any()
    sources = HORIZON if is_flat else SOURCES
    gains, _ = play(speakers, order, LoudspeakerMethod.EPAD, sources, kind)
    np.testing.assert_allclose((gains**2).sum(1), 1, rtol=1e-5)


def test_mode_matching_gives_the_field_back():
    # So many nearly even speakers excite the 16 harmonics nearly alike.
    speakers = fibonacci_grid(40).direction
    decoder = loudspeaker_decoder(speakers, 3, "mode_matching", DecoderKind.BASIC)
    again = spherical_harmonics(speakers, 3).T @ decoder
    again /= again[0, 0]
    np.testing.assert_allclose(again, np.eye(16), atol=0.02)


def test_mode_matching_is_held_back_in_the_gaps_of_5_1():
    # Without regularisation 13.5 dB behind the listener, between the surrounds.
    gains, _ = play(Layout.SURROUND_5_1, 2, "mode_matching", HORIZON)
    assert 10 * np.log10((gains**2).sum(1).max()) < 10


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("layout", [Layout.SURROUND_7_1_4, Layout.SURROUND_5_1_4])
def test_allrad_leaves_no_holes(layout, order):
    gains, _ = play(layout, order, LoudspeakerMethod.ALLRAD, SOURCES)
    level_db = 10 * np.log10((gains**2).sum(1))
    assert -2.5 < level_db.min() < level_db.max() < 3
    sampled, _ = play(layout, order, LoudspeakerMethod.SAMPLING, SOURCES)
    assert 10 * np.log10((sampled**2).sum(1).min()) < level_db.min() - 2


def test_allrad_points_at_the_source_above_the_horizon():
    above = SOURCES[SOURCES[:, 2] > 0]
    means_deg = []
    for method in ("allrad", "sampling"):
        gains, speakers = play(Layout.SURROUND_7_1_4, 3, method, above)
        means_deg.append(angle_deg(vector(gains**2, speakers), above).mean())
    assert means_deg[0] < 8
    assert means_deg[0] < 0.5 * means_deg[1]


@pytest.mark.parametrize("method", ["sampling", "mode_matching", "allrad"])
@pytest.mark.parametrize("layout", Layout)
def test_left_and_right_are_mirror_images_of_one_level(layout, method):
    decoder = loudspeaker_decoder(layout, 3, method)
    heard = decoder[~layout.is_lfe]
    speakers = layout.directions
    mirrored = speakers * [1, -1, 1]
    partner = np.linalg.norm(speakers[:, None] - mirrored[None], axis=-1).argmin(1)
    np.testing.assert_allclose(
        heard[partner], heard * mirror_signs(3, Mirror.LEFT_RIGHT), atol=1e-6
    )
    played = spherical_harmonics(speakers, 3) @ heard.T
    np.testing.assert_allclose((played**2).sum(1).mean(), 1, rtol=1e-5)


@pytest.mark.parametrize("method", EVERY)
def test_the_lfe_is_silent_and_the_order_that_of_the_file(method):
    decoder = loudspeaker_decoder(Layout.SURROUND_5_1, 1, method)
    assert decoder.shape == (6, 4)
    assert decoder.dtype == np.float32
    assert not decoder[3].any()
    left_source = spherical_harmonics(np.array([0.0, 1, 0]), 1)
    signal = jnp.asarray(left_source, jnp.float32)[:, None]
    assert np.argmax(decode(signal, decoder)) == 4  # the left surround


def test_names_stand_for_members():
    np.testing.assert_array_equal(
        loudspeaker_decoder("5.1", 1, "mode_matching", "basic"),
        loudspeaker_decoder(
            Layout.SURROUND_5_1,
            1,
            LoudspeakerMethod.MODE_MATCHING,
            DecoderKind.BASIC,
        ),
    )
    with pytest.raises(ConfigError, match=r"speakers is '5\.2', expected one"):
        loudspeaker_decoder("5.2", 1)
    with pytest.raises(ConfigError, match="method is 'vbap', expected one of sampling"):
        loudspeaker_decoder(Layout.CUBE, 1, "vbap")
    with pytest.raises(ConfigError, match="kind is 'max-re', expected one of basic"):
        loudspeaker_decoder(Layout.CUBE, 1, kind="max-re")


def test_what_a_method_cannot_serve_is_told():
    with pytest.raises(ConfigError, match="16 harmonics apart, these 11 tell 11"):
        loudspeaker_decoder(Layout.SURROUND_7_1_4, 3, LoudspeakerMethod.EPAD)
    with pytest.raises(ConfigError, match="7 harmonics apart, these 5 tell 5"):
        loudspeaker_decoder(Layout.SURROUND_5_1, 3, LoudspeakerMethod.EPAD)
    with pytest.raises(ConfigError, match="order is -1"):
        loudspeaker_decoder(Layout.CUBE, -1)
    for wrong in (np.eye(3)[:1], 2 * np.eye(3), np.nan * np.eye(3)):
        with pytest.raises(ConfigError, match="expected at least two unit vectors"):
            loudspeaker_decoder(wrong, 1)
    with pytest.raises(ShapeError, match="speakers"):
        loudspeaker_decoder(np.eye(2), 1)
