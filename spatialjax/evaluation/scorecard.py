"""The score card: what was measured, on what, by what; as JSON and as a table."""

import importlib.metadata
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

import spatialjax
from spatialjax.errors import DataError
from spatialjax.evaluation.definitions import REFERENCES, variant
from spatialjax.evaluation.summary import Summary, num_decimals
from spatialjax.media.files import write_file
from spatialjax.media.places import as_place, store_errors
from spatialjax.metrics import Interval
from spatialjax.typing import HostArray

FORMAT = 1


@dataclass(frozen=True)
class Origin:
    """Which model was scored on which data."""

    experiment: str = ""
    checkpoint_step: int | None = None
    dataset: str = ""
    dataset_hash: str = ""
    split: str = ""


@dataclass(frozen=True)
class SuiteScores:
    """The scores of one pair list.

    `values` holds, by metric, one value per item ``[m]`` or per source ``[m, n]``, NaN
    where it does not count; `item_ids` and `class_ids [m, n]` stand in the same order,
    and so do `clip_ids`, where several items may be of one clip.
    """

    rule: str
    pair_hash: str
    swap_images: bool
    item_ids: tuple[str, ...]
    class_ids: HostArray
    values: dict[str, HostArray]
    summaries: dict[str, Summary]
    clip_ids: tuple[str, ...] | None = None

    @property
    def means(self) -> dict[str, float]:
        """The mean of each metric; NaN where nothing counts."""
        return {name: s.total.mean for name, s in self.summaries.items()}


@dataclass(frozen=True)
class ScoreCard:
    """All suites of one evaluation."""

    suites: dict[str, SuiteScores]
    origin: Origin = field(default_factory=Origin)
    versions: dict[str, str] = field(default_factory=lambda: versions())

    def to_json(self) -> str:
        """JSON that `from_json` reads back: first the figures, then a line an item."""
        plain = {
            "format": FORMAT,
            "origin": asdict(self.origin),
            "versions": self.versions,
            "suites": {name: _figures(suite) for name, suite in self.suites.items()},
        }
        head = json.dumps(plain, indent=1, allow_nan=False).removesuffix("\n}")
        items = (
            f"  {json.dumps(name)}: [\n{_item_lines(suite)}\n  ]"
            for name, suite in self.suites.items()
        )
        return head + ',\n "items": {\n' + ",\n".join(items) + "\n }\n}\n"

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes the JSON, whole or not at all.

        Raises:
          MediaError: the file cannot be written.
        """
        write_file(path, self.to_json().encode())

    def means(self) -> dict[str, float]:
        """Mean of each metric; in suites after the first it is named suite/metric."""
        first = next(iter(self.suites), "")
        return {
            metric if name == first else f"{name}/{metric}": mean
            for name, suite in self.suites.items()
            for metric, mean in suite.means.items()
        }

    @property
    def label(self) -> str:
        """One line: which model on which data."""
        origin, step = self.origin, ""
        if origin.checkpoint_step is not None:
            step = f", step {origin.checkpoint_step}"
        return (
            f"{origin.experiment or 'unnamed'}{step}, on "
            f"{origin.dataset or 'unnamed data'} ({origin.dataset_hash[:12]}), split "
            f"{origin.split or 'unnamed'}"
        )

    def table(self) -> str:
        """The figures for a terminal."""
        parts = [_suite_table(name, suite) for name, suite in self.suites.items()]
        return "\n\n".join([self.label, *parts])


def from_json(text: str) -> ScoreCard:
    """The score card that `ScoreCard.to_json` wrote.

    Raises:
      DataError: the text is no score card of this format.
    """
    try:
        plain = json.loads(text)
        if plain["format"] != FORMAT:
            raise DataError(
                f"the score card has format {plain['format']}, expected {FORMAT}; "
                "evaluate again"
            )
        return ScoreCard(
            {
                name: _suite_from_plain(figures, plain["items"][name])
                for name, figures in plain["suites"].items()
            },
            Origin(**plain["origin"]),
            plain["versions"],
        )
    except DataError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"no score card, as launch.evaluate writes it: {error!r}"
        ) from None


def read_scorecard(path: str | os.PathLike[str]) -> ScoreCard:
    """The score card of a file.

    Raises:
      DataError: there is no such file, or it holds no score card.
    """
    try:
        text = as_place(path).read_text(encoding="utf-8")
    except store_errors(UnicodeDecodeError) as error:
        is_text = not isinstance(error, UnicodeDecodeError)
        reason = getattr(error, "strerror", None) or (error if is_text else "no text")
        raise DataError(f"{path} cannot be read: {reason}") from None
    try:
        return from_json(text)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def versions() -> dict[str, str]:
    """Versions of this library and of those that shape the numbers."""
    names = ("jax", "numpy", "scipy")
    return {"spatialjax": spatialjax.__version__} | {
        name: importlib.metadata.version(name) for name in names
    }


def _figures(suite: SuiteScores) -> dict[str, Any]:
    metrics = {
        name: {
            "variant": variant(name),
            **_interval_to_plain(summary.total),
            "num_values": suite.values[name].size,
            "num_undefined": summary.num_undefined,
            "batch_mean": _number(summary.batch_mean),
            **_fraction_to_plain(name, summary.fraction),
            "per_class": {
                c: _interval_to_plain(i) for c, i in summary.per_class.items()
            },
        }
        for name, summary in suite.summaries.items()
    }
    return {
        "rule": suite.rule,
        "pair_hash": suite.pair_hash,
        "swap_images": suite.swap_images,
        "num_items": len(suite.item_ids),
        "metrics": metrics,
    }


def _item_lines(suite: SuiteScores) -> str:
    """One JSON object a line; a value that does not count is null."""
    columns = {name: _nulls(values.tolist()) for name, values in suite.values.items()}
    classes = suite.class_ids.tolist()
    clips = [{"clip": name} for name in suite.clip_ids or ()] or [{}] * len(classes)
    return ",\n".join(
        "   "
        + json.dumps(
            {"id": item_id, **clips[row], "class_ids": classes[row]}
            | {"values": {name: column[row] for name, column in columns.items()}},
            allow_nan=False,
        )
        for row, item_id in enumerate(suite.item_ids)
    )


def _suite_from_plain(
    figures: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
) -> SuiteScores:
    metrics = figures["metrics"]
    return SuiteScores(
        rule=figures["rule"],
        pair_hash=figures["pair_hash"],
        swap_images=figures["swap_images"],
        item_ids=tuple(item["id"] for item in items),
        clip_ids=tuple(i["clip"] for i in items) if "clip" in items[0] else None,
        class_ids=np.array([item["class_ids"] for item in items], np.int32),
        values={
            name: np.array([item["values"][name] for item in items], np.float64)
            for name in metrics
        },
        summaries={
            name: Summary(
                _interval_from_plain(m),
                m["num_undefined"],
                m["batch_mean"],
                {c: _interval_from_plain(i) for c, i in m["per_class"].items()},
                _interval_from_plain(m["fraction"]) if "fraction" in m else None,
            )
            for name, m in metrics.items()
        },
    )


def _fraction_to_plain(metric: str, fraction: Interval | None) -> dict[str, Any]:
    if fraction is None:
        return {}
    return {"fraction": {"of": REFERENCES[metric], **_interval_to_plain(fraction)}}


def _interval_to_plain(interval: Interval) -> dict[str, Any]:
    return {name: _number(value) for name, value in interval._asdict().items()}


def _interval_from_plain(plain: Mapping[str, Any]) -> Interval:
    names = ("mean", "low", "high")
    mean, low, high = (math.nan if plain[n] is None else plain[n] for n in names)
    return Interval(mean, low, high, plain["num_valid"])


def _number(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None


def _nulls(values: Any) -> Any:
    return [_nulls(v) for v in values] if isinstance(values, list) else _number(values)


def _suite_table(name: str, suite: SuiteScores) -> str:
    lines = [f"{name}: {len(suite.item_ids)} items, pair list {suite.pair_hash[:12]}"]
    width = max((len(metric) for metric in suite.summaries), default=0)
    lines.append(f"  {'':{width}}      mean     95 % interval      valid")
    for metric, summary in suite.summaries.items():
        mean, low, high, num_valid = summary.total
        d = num_decimals(mean, 3)
        line = f"  {metric:{width}} {mean:z9.{d}f}  [{low:z8.{d}f}, {high:z8.{d}f}]"
        line += f"  {num_valid:>4}/{suite.values[metric].size}"
        if summary.fraction is not None:
            mean, low, high, _ = summary.fraction
            line += f"  {mean:.3f} [{low:.3f}, {high:.3f}] of {REFERENCES[metric]}"
        if summary.num_undefined:
            line += f", {summary.num_undefined} undefined"
        if summary.batch_mean is not None:
            line += f"  mean of batches {summary.batch_mean:.3f}"
        lines.append(line)
    return "\n".join(lines + _class_table(suite))


def _class_table(suite: SuiteScores) -> list[str]:
    """Means by class, one column a metric, and how often the class was valid."""
    columns = {m: s.per_class for m, s in suite.summaries.items() if s.per_class}
    if not columns:
        return []
    names = sorted(set().union(*columns.values()))
    width = max(map(len, names))
    heads = [metric.removesuffix("_db") for metric in columns]
    lines = ["  " + "  ".join([f"{'by class':{width}}", "   n", *heads])]
    for name in names:
        found = [per_class.get(name) for per_class in columns.values()]
        cells = [
            f"{interval.mean if interval else math.nan:{len(head)}.2f}"
            for head, interval in zip(heads, found, strict=True)
        ]
        count = max(interval.num_valid for interval in found if interval)
        lines.append("  " + "  ".join([f"{name:{width}}", f"{count:4}", *cells]))
    return lines
