"""The experiments of a sweep: one for each combination of settings."""

import itertools
from collections.abc import Iterator, Mapping, Sequence

from spatialjax.config import from_json, override, to_json, validate_tree
from spatialjax.training import Experiment

PATHS = {
    "parallel": "parallel.strategy",
    "dtype": "task.compute_dtype",
    "batch": "data.batch_size",
}
"""The short names of what is often swept, and the fields that they set."""


def variants(
    experiment: Experiment, values: Mapping[str, Sequence[str]]
) -> Iterator[Experiment]:
    """Copies of an experiment with the values of some fields, as texts.

    Args:
      experiment: left as it is.
      values: by a name of `PATHS`; all of a name without values stay.

    Raises:
      ConfigError: a value does not fit its field, or the experiment lacks that.
    """
    names = [name for name in PATHS if values.get(name)]
    for texts in itertools.product(*(values[name] for name in names)):
        copy = from_json(to_json(experiment))
        for name, text in zip(names, texts, strict=True):
            override(copy, PATHS[name], text)
        validate_tree(copy)
        yield copy
