"""A page of tables from the JSON files of measurements."""

import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from spatialjax.errors import DataError

Row = Mapping[str, Any]


class _Column(NamedTuple):
    """A heading, the fields below it, and the digits of their numbers."""

    heading: str
    fields: tuple[str, ...]
    digits: int = 3
    scale: float = 1.0


class _Table(NamedTuple):
    heading: str
    text: str
    columns: tuple[_Column, ...]


_SETTINGS = (
    _Column("batch", ("batch_size",)),
    _Column("dtype", ("dtype",)),
    _Column("strategy", ("strategy",)),
    _Column("devices", ("num_devices",)),
)
TABLES = {
    "step": _Table(
        "The training step",
        "On noise that lies on the devices. Products are those that the network asks "
        "for, whatever the form they are computed in; the share of the peak is theirs, "
        "the roofline what the limits of products and of memory leave to them.",
        (
            *_SETTINGS,
            _Column("examples/s", ("examples_per_s",)),
            _Column("sound, s/s", ("audio_s_per_s",)),
            _Column("ms p50 / 90 / 99", ("step_ms_p50", "step_ms_p90", "step_ms_p99")),
            _Column("compile s", ("compile_s",)),
            _Column("GB a device", ("memory_gb",)),
            _Column("TFLOP", ("tflop_per_step",)),
            _Column("of the compiler", ("compiler_tflop_per_step",)),
            _Column("TFLOP/s a device", ("tflop_per_s_per_device",)),
            _Column("% of peak", ("mfu",), 2, 100),
            _Column("% of roofline", ("roofline",), 2, 100),
        ),
    ),
    "input": _Table(
        "Reading",
        "The loader of a training run alone, with the processor time of all its "
        "threads and workers.",
        (
            _Column("batch", ("rows_per_batch",)),
            _Column("threads", ("num_threads",)),
            _Column("workers", ("num_workers",)),
            _Column("prefetch", ("prefetch",)),
            _Column("items/s", ("items_per_s",)),
            _Column("CPU s an item", ("cpu_s_per_item",), 2),
            _Column("kB an item", ("bytes_per_item",), 3, 1e-3),
            _Column("wait, ms p50 / 99", ("wait_ms_p50", "wait_ms_p99")),
        ),
    ),
    "train": _Table(
        "The whole run",
        "The loop of `launch.train` with its data and checkpoints. Each half of the "
        "steps that are timed begins with a checkpoint, which first waits for the one "
        "before to be written.",
        (
            _Column("batch", ("batch_size",)),
            _Column("strategy", ("strategy",)),
            _Column("threads", ("num_threads",)),
            _Column("workers", ("num_workers",)),
            _Column("examples/s", ("examples_per_s",)),
            _Column("waiting for input, %", ("input_wait_share",), 2, 100),
            _Column("waiting for a checkpoint, s", ("checkpoint_block_s",), 2),
        ),
    ),
    "stft": _Table(
        "Transforms",
        "Of the sound of one batch, on one device; SciPy on one core.",
        (
            _Column("batch", ("batch_size",)),
            _Column("method", ("method",)),
            _Column("length, hop", ("n_fft", "hop")),
            _Column("sound, s", ("audio_s",)),
            _Column("forward, inverse: ms", ("stft_ms_p50", "istft_ms_p50")),
            _Column("times SciPy", ("scipy_ratio",), 2),
            _Column("error there and back", ("round_trip_error",), 2),
        ),
    ),
    "metrics": _Table(
        "Scores",
        "Of items of noise: estimates and scores on the devices, then those in NumPy "
        "on the host, in one thread.",
        (
            _Column("batch", ("batch_size",)),
            _Column("devices", ("num_devices",)),
            _Column("device, items/s", ("device_items_per_s",)),
            _Column("host, items/s", ("host_items_per_s",)),
        ),
    ),
    "spatialize": _Table(
        "Making sound fields",
        "The stream of `launch.spatialize` without files.",
        (
            _Column("windows at once", ("num_windows_per_call",)),
            _Column("windows/s", ("windows_per_s",)),
            _Column("times real time", ("real_time_factor",)),
            _Column("latency s", ("latency_s",)),
        ),
    ),
}

MACHINE = {
    "device",
    "num_devices",
    "processor",
    "num_cores",
    "memory_gb",
    "system",
    "python",
    "spatialjax",
    "commit",
    "malloc",
    "xla_flags",
    "versions",
}
"""What the page tells of a machine."""

HEAD = """# Benchmarks

Written by `python -m launch.benchmark_page docs/benchmarks` from the JSON files that
`python -m launch.benchmark --output=FILE` writes; each row names its machine below.
"""


def benchmark_page(folder: pathlib.Path) -> str:
    """Markdown of all JSON files in a folder.

    Raises:
      DataError: a file is no measurement, or there is none.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise DataError(f"{folder} holds no .json files of launch.benchmark")
    found = [_read(path) for path in paths]
    measured = [one for one in found if "rows" in one]
    machines: dict[str, str] = {}
    for one in measured:
        machines.setdefault(_key(one["machine"]), f"M{len(machines) + 1}")
    parts = [HEAD]
    for what in TABLES:
        chosen = [one for one in measured if one["what"] == what]
        if chosen:
            parts.append(_section(what, chosen, machines))
    missing = [line for one in found for line in one.get("not_run", [])]
    if missing:
        lines = "\n".join(f"- {line}" for line in missing)
        parts.append(f"## Not run\n\n{lines}\n")
    lines = "\n".join(
        f"- **{name}**: {_describe(json.loads(key))}" for key, name in machines.items()
    )
    if machines:
        parts.append(f"## Machines\n\n{lines}\n")
    return "\n".join(parts)


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error
    if not (isinstance(found, dict) and (_is_measurement(found) or "not_run" in found)):
        raise DataError(f"{path} is not a file that launch.benchmark wrote")
    if "rows" in found and found["what"] not in TABLES:
        known = ", ".join(TABLES)
        raise DataError(f"{path} measures {found['what']!r}, expected one of {known}")
    return found


def _is_measurement(found: Mapping[str, Any]) -> bool:
    machine, rows = found.get("machine"), found.get("rows")
    return (
        isinstance(found.get("what"), str)
        and isinstance(found.get("config"), str)
        and isinstance(rows, list)
        and all(isinstance(row, dict) for row in rows)
        and isinstance(machine, dict)
        and set(machine) >= MACHINE
        and isinstance(machine["versions"], dict)
    )


def _section(
    what: str, chosen: Sequence[dict[str, Any]], machines: Mapping[str, str]
) -> str:
    table = TABLES[what]
    headings = ["config", *(column.heading for column in table.columns), "on"]
    rows = [
        [
            one["config"] + _changes(one),
            *(_cell(row, column) for column in table.columns),
            machines[_key(one["machine"])],
        ]
        for one in chosen
        for row in one["rows"]
    ]
    return f"## {table.heading}\n\n{table.text}\n\n{_markdown(headings, rows)}\n"


def _changes(one: Mapping[str, Any]) -> str:
    """What the command line changed in the config."""
    return "".join(f" `{change}`" for change in one.get("changes", []))


def _cell(row: Row, column: _Column) -> str:
    return " / ".join(
        _text(row.get(name), column.digits, column.scale) for name in column.fields
    )


def _text(value: Any, digits: int, scale: float) -> str:
    if value is None:
        return "–"
    if isinstance(value, str) or (isinstance(value, int) and scale == 1.0):
        return str(value)
    value = float(value) * scale
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.{digits - 1}e}"
    whole = f"{float(f'{value:.{digits}g}'):f}"
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def _markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _key(machine: Mapping[str, Any]) -> str:
    return json.dumps(machine, sort_keys=True)


def _describe(machine: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {v}" for name, v in machine["versions"].items())
    settings = "; ".join(
        f"`{machine[name]}`" for name in ("malloc", "xla_flags") if machine[name]
    )
    return (
        f"{machine['num_devices']} × {machine['device']}, {machine['processor']}, "
        f"{machine['num_cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}; spatialjax {machine['spatialjax']} at "
        f"{machine['commit'] or 'no commit'}, Python {machine['python']}, {versions}"
        + (f"; {settings}" if settings else "")
    )
