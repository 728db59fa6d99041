"""Score cards of random values, for the tests."""

import numpy as np

from spatialjax.evaluation import Origin, ScoreCard, SuiteScores
from spatialjax.evaluation.summary import summarise

CLASSES = ("cello", "drum", "flute")


def random_suite(seed=0, items=12, shift=0.0, pair_hash="ab" * 32):
    rng = np.random.default_rng(seed)
    class_ids = np.random.default_rng(items).integers(-1, 3, (items, 2), np.int32)
    values = {
        "loss": rng.random(items),
        "sdr_db": rng.normal(8.0 + shift, 1.0, (items, 2)),
    }
    values["sdr_db"][3] = np.nan
    return SuiteScores(
        rule="class_distinct",
        pair_hash=pair_hash,
        swap_images=False,
        item_ids=tuple(f'clip "{i}" + clip [{i + 1}]' for i in range(items)),
        class_ids=class_ids,
        values=values,
        summaries={
            name: summarise(v, class_ids, CLASSES, 200, batch_size=4)
            for name, v in values.items()
        },
    )


def random_card(suite="class_distinct", step=7, **options):
    origin = Origin("toy", step, "toy_band", "cd" * 32, "val")
    return ScoreCard({suite: random_suite(**options)}, origin)
