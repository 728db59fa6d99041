"""The suites that a config names, drawn from a dataset."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import jax

from spatialjax.data import (
    DataConfig,
    Dataset,
    PairList,
    make_pairs,
    pair_batches,
)
from spatialjax.evaluation.config import SWAPPED, EvaluationConfig
from spatialjax.evaluation.evaluate import Suite
from spatialjax.tasks.base import BatchSpec
from spatialjax.typing import Batch


@dataclass(frozen=True)
class PairBatches:
    """The batches of a pair list, built anew each time they are iterated over.

    In several processes each one builds its share of the rows, as many as the others.
    """

    dataset: Dataset
    batch_spec: BatchSpec
    data: DataConfig
    pairs: PairList
    batch_size: int
    swaps_images: bool = False

    def __iter__(self) -> Iterator[Batch]:
        count = jax.process_count()
        return pair_batches(
            self.dataset,
            self.batch_spec,
            self.data,
            self.pairs,
            -(-self.batch_size // count) * count,
            jax.process_index(),
            count,
            self.swaps_images,
        )


def make_pair_lists(
    dataset: Dataset, split: str, num_sources: int, config: EvaluationConfig
) -> dict[str, PairList]:
    """The list of items of each suite of a config, by the name of the suite.

    Args:
      dataset: where the clips lie.
      split: of the clips that are mixed; duets have their own, `config.duet_split`.
      num_sources: of each item.
      config: names the suites and the number of items.

    Raises:
      DataError: the split is missing, or has too few clips or classes for a rule.
    """
    lists = {}
    for name in config.suites:
        rule, place = config.rule_and_split(name, split)
        lists[name] = make_pairs(
            dataset,
            place,
            rule,
            num_sources,
            config.num_pairs,
            config.pair_seed,
            config.scene_spacing_s,
        )
    return lists


def make_suites(
    dataset: Dataset,
    batch_spec: BatchSpec,
    data: DataConfig,
    pair_lists: Mapping[str, PairList],
    batch_size: int,
) -> dict[str, Suite]:
    """Suites of pair lists; they can be evaluated any number of times.

    A name that ends in ``_swapped`` makes a control with the pictures traded.
    """
    return {
        name: Suite(
            rule=pairs.rule.value,
            pair_hash=pairs.hash,
            item_ids=pairs.item_ids,
            clip_ids=pairs.clip_ids,
            batches=PairBatches(
                dataset, batch_spec, data, pairs, batch_size, name.endswith(SWAPPED)
            ),
            swap_images=name.endswith(SWAPPED),
        )
        for name, pairs in pair_lists.items()
    }
