import numpy as np
import pytest

from spatialjax.ambisonics import Layout


def test_names_and_angles_of_7_1_4_in_the_order_of_a_file():
    degrees = {
        s.name: (round(np.rad2deg(s.azimuth_rad)), round(np.rad2deg(s.elevation_rad)))
        for s in Layout.SURROUND_7_1_4.speakers
    }
    assert list(degrees.items()) == [
        ("L", (30, 0)),
        ("R", (-30, 0)),
        ("C", (0, 0)),
        ("LFE", (0, 0)),
        ("Lrs", (135, 0)),
        ("Rrs", (-135, 0)),
        ("Lss", (90, 0)),
        ("Rss", (-90, 0)),
        ("Ltf", (45, 30)),
        ("Rtf", (-45, 30)),
        ("Ltr", (135, 30)),
        ("Rtr", (-135, 30)),
    ]
    assert np.flatnonzero(Layout.SURROUND_7_1_4.is_lfe).tolist() == [3]


def test_the_surrounds_of_5_1_stand_at_110_degrees():
    directions = Layout.SURROUND_5_1.directions
    expected = np.deg2rad([30, -30, 0, 110, -110])
    np.testing.assert_allclose(directions[:, 0], np.cos(expected), atol=1e-15)
    np.testing.assert_allclose(directions[:, 1], np.sin(expected), atol=1e-15)
    assert not directions[:, 2].any()


@pytest.mark.parametrize("layout", Layout)
def test_every_layout_is_its_own_mirror_image(layout):
    names = [speaker.name for speaker in layout.speakers if not speaker.is_lfe]
    assert len(set(names)) == len(names) == len(layout.directions)
    mirrored = layout.directions * [1, -1, 1]
    for name, place in zip(names, mirrored, strict=True):
        other = {"L": "R", "R": "L"}.get(name[0], name[0]) + name[1:]
        partner = layout.directions[names.index(other)]
        np.testing.assert_allclose(partner, place, atol=1e-15)


def test_point_in_a_name_counts_the_channels():
    for layout in Layout:
        if "." in layout:
            below, low, *above = map(int, layout.split("."))
            assert layout.is_lfe.sum() == low
            assert len(layout.speakers) == below + low + sum(above)
            assert (layout.directions[:, 2] > 0).sum() == sum(above)


@pytest.mark.parametrize("layout", [Layout.CUBE, Layout.OCTAHEDRON])
def test_regular_layouts_are_designs_of_degree_3(layout):
    directions = layout.directions
    moments = np.einsum("qi,qj->ij", directions, directions) / len(directions)
    np.testing.assert_allclose(moments, np.eye(3) / 3, atol=1e-15)
    odd = np.einsum("qi,qj,qk->ijk", directions, directions, directions)
    np.testing.assert_allclose(odd, 0, atol=1e-15)
