"""A measurement as one JSON object, with the machine that it was taken on."""

import dataclasses
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess
from collections.abc import Sequence
from typing import Any

import jax

from spatialjax import __version__
from spatialjax.benchmarks.input import num_cores

LIBRARIES = ("jax", "jaxlib", "flax", "numpy", "grain", "orbax-checkpoint", "pillow")


def to_json_object(
    what: str, config: str, changes: Sequence[str], rows: Sequence[Any]
) -> dict[str, Any]:
    """What `launch.benchmark` prints.

    Args:
      what: was measured, one of `page.TABLES`.
      config: its name.
      changes: of the config, as flags.
      rows: dataclasses; numbers keep six digits.
    """
    return {
        "what": what,
        "config": config,
        "changes": list(changes),
        "machine": describe_machine(),
        "rows": [_plain(row) for row in rows],
    }


def _plain(row: Any) -> dict[str, Any]:
    """The fields of a row, and those of what it holds, side by side."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if dataclasses.is_dataclass(value):
            found |= _plain(value)
        else:
            found[field.name] = _rounded(value)
    return found


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def describe_machine() -> dict[str, Any]:
    """Device, processor and versions, for a JSON file."""
    device = jax.devices()[0]
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "device": device.device_kind,
        "platform": device.platform,
        "num_devices": jax.device_count(),
        "num_processes": jax.process_count(),
        "processor": _processor(),
        "num_cores": num_cores(),
        "memory_gb": round(whole / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "spatialjax": __version__,
        "commit": _commit(),
        "malloc": os.environ.get("GLIBC_TUNABLES", ""),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "versions": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def _processor() -> str:
    """Its name, where the system tells."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    found = re.search(r"model name\s*: (.+)", text)
    return found[1].strip() if found else platform.machine()


def _commit() -> str:
    """The commit of the checkout that runs, with a + where it was changed."""
    folder = pathlib.Path(__file__).parents[2]
    if not (folder / ".git").exists():
        return ""
    words = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(
            words, cwd=folder, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
