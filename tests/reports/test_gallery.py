import numpy as np

from spatialjax.reports import Gallery
from spatialjax.tasks import Scores


def batch_of(ids, valid=None):
    rows = len(ids)
    return {
        "example_id": np.array(ids, np.int32),
        "valid": np.ones(rows, bool) if valid is None else np.array(valid),
        "images": np.full((rows, 2, 1, 4, 4, 3), 7, np.uint8),
        "class_id": np.tile(np.array([[0, 1]], np.int32), (rows, 1)),
    }


def outputs_of(ids):
    rows = len(ids)
    signal = np.asarray(ids, np.float32)
    return {
        "mixture": np.broadcast_to(signal[:, None, None], (rows, 1, 5)),
        "sources": np.zeros((rows, 2, 1, 5), np.float32),
        "estimates": np.zeros((rows, 2, 1, 5), np.float32),
        "magnitude": np.zeros((rows, 3, 2), np.float32),
        "loss_weight": np.ones((rows, 3, 2), np.float32),
        "mask": np.zeros((rows, 2, 3, 2), np.float32),
        "target_mask": np.zeros((rows, 2, 3, 2), np.float32),
    }


def scores_of(ids):
    value = np.tile(np.array([[1.0, 2.0]]), (len(ids), 1))
    weight = np.array([[1.0, 0.0]] * len(ids))
    return {"sdr_db": Scores(value, weight), "loss": Scores(value[:, 0], weight[:, 0])}


def show(gallery, suite, ids, valid=None):
    gallery(suite, outputs_of(ids), batch_of(ids, valid), scores_of(ids))


def test_keeps_the_first_valid_items_of_each_suite():
    gallery = Gallery(3)
    show(gallery, "a", [0, 1], valid=[True, False])
    show(gallery, "a", [2, 3, 4])
    show(gallery, "b", [0])
    assert [item.index for item in gallery.items["a"]] == [0, 2, 3]
    assert [item.index for item in gallery.items["b"]] == [0]
    assert gallery.items["a"][1].mixture[0, 0] == 2


def test_what_does_not_count_has_no_score():
    gallery = Gallery(1)
    show(gallery, "a", [0])
    np.testing.assert_array_equal(gallery.items["a"][0].scores["sdr_db"], [1, np.nan])
    assert "loss" not in gallery.items["a"][0].scores


def test_a_new_round_starts_anew():
    gallery = Gallery(5)
    show(gallery, "a", [0, 1])
    show(gallery, "a", [0])
    assert [item.index for item in gallery.items["a"]] == [0]
