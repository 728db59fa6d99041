"""Draws depend on seed and counter alone, and are as uniform as they should be."""

import numpy as np
import pytest

from spatialjax.data.sampling import (
    Purpose,
    Sampler,
    check_classes,
    class_ids_of,
    draw_partner,
    shuffled,
    uniforms,
)
from spatialjax.errors import DataError

CLASS_IDS = np.array([0, 0, 0, 1, 1, 2, 3, 3])


def test_uniforms_are_a_function_of_their_arguments():
    first = uniforms(7, Purpose.ITEM, 5, (2, 7))
    np.testing.assert_array_equal(uniforms(7, Purpose.ITEM, 5, (2, 7)), first)
    np.testing.assert_array_equal(uniforms(7, Purpose.ITEM, 5, 3), first[0, :3])
    for other in [(8, Purpose.ITEM, 5), (7, Purpose.ORDER, 5), (7, Purpose.ITEM, 6)]:
        assert not np.isin(uniforms(*other, (2, 7)), first).any()
    many = np.concatenate([uniforms(0, Purpose.ITEM, i, 10) for i in range(2000)])
    assert 0 <= many.min() < many.max() < 1
    assert many.mean() == pytest.approx(0.5, abs=0.01)
    assert many.var() == pytest.approx(1 / 12, abs=0.003)


def test_the_stream_is_the_one_that_runs_were_drawn_with():
    # Philox 4x64-10 with key (1, 2) and counter (1, 0, 0, 1): a change of these
    # numbers would change every run that is resumed.
    np.testing.assert_allclose(
        uniforms(1, Purpose.ITEM, 2, 3),
        [0.575300433347867, 0.4214513002125032, 0.6987130805958253],
        rtol=0,
        atol=1e-15,
    )


def test_each_pass_holds_every_clip_once_in_a_new_order():
    sampler = Sampler(CLASS_IDS, num_sources=2)
    passes = [
        [sampler.item(8 * epoch + i)[0].clip for i in range(8)] for epoch in range(4)
    ]
    assert all(sorted(order) == list(range(8)) for order in passes)
    assert len({tuple(order) for order in passes}) == 4
    other = Sampler(CLASS_IDS, num_sources=2, seed=1)
    assert [other.item(i)[0].clip for i in range(8)] != passes[0]
    assert sorted(shuffled(0, Purpose.ORDER, 0, 1000)) == list(range(1000))


def test_partners_are_uniform_and_may_repeat():
    sampler = Sampler(CLASS_IDS, num_sources=3)
    items = [sampler.item(i) for i in range(4000)]
    counts = np.bincount([draw.clip for item in items for draw in item[1:]])
    np.testing.assert_allclose(counts / 8000, 1 / 8, atol=0.015)
    assert any(item[0].clip == item[1].clip for item in items)


@pytest.mark.parametrize("num_sources", [2, 3, 4])
def test_distinct_classes_never_meet_their_like(num_sources):
    sampler = Sampler(CLASS_IDS, num_sources, class_distinct=True)
    for i in range(500):
        classes = [CLASS_IDS[draw.clip] for draw in sampler.item(i)]
        assert len(set(classes)) == num_sources


def test_a_distinct_partner_is_uniform_over_what_is_left():
    # Equal in distribution to drawing anew until the class differs.
    found = np.bincount(
        [draw_partner(CLASS_IDS, [0], (i + 0.5) / 500, True) for i in range(500)],
        minlength=8,
    )
    np.testing.assert_array_equal(found, [0, 0, 0, 100, 100, 100, 100, 100])


def test_gain_flip_and_silence_have_their_shares():
    sampler = Sampler(
        CLASS_IDS, num_sources=2, gains=(0.5, 1.5), silent_probability=0.25
    )
    items = [sampler.item(i) for i in range(4000)]
    gains = np.array([draw.gain for item in items for draw in item])
    assert 0.5 <= gains.min() < 0.51
    assert 1.49 < gains.max() < 1.5
    assert np.mean([d.is_flipped for item in items for d in item]) == pytest.approx(
        0.5, abs=0.02
    )
    assert not any(item[0].is_silent for item in items)
    assert np.mean([item[1].is_silent for item in items]) == pytest.approx(
        0.25, abs=0.02
    )
    plain = Sampler(CLASS_IDS, num_sources=2, flip=False)
    draws = [draw for i in range(100) for draw in plain.item(i)]
    assert not any(draw.is_flipped or draw.is_silent for draw in draws)


def test_what_cannot_be_drawn_is_refused(dataset):
    with pytest.raises(DataError, match="clip 'clip3' of split 'duets' has 2 sources"):
        class_ids_of(dataset.split("duets"))
    train = dataset.split("train")
    check_classes(train, class_ids_of(train), 3)
    with pytest.raises(DataError, match="has 3 classes, 4 sources"):
        check_classes(train, class_ids_of(train), 4)
    odd = dataset.split("odd")
    with pytest.raises(DataError, match="1 of 3 clips of split 'odd' have no class"):
        check_classes(odd, class_ids_of(odd), 2)
