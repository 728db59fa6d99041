"""What training takes of TPUs, by libtpu: ``python -m tests.training.golden_ahead``

compiles all cases, writes the file and the table of docs/scaling.md anew, after a
change that is meant; words behind it name the configs to compile, and the others stay.
The published ones take minutes each.
"""

import json
import pathlib
import re
import sys
from typing import NamedTuple

import jax

from launch._config_flag import load_config
from spatialjax.config import override
from spatialjax.training import cost_ahead, describe_cost

FILE = pathlib.Path(__file__).with_suffix(".json")
PAGE = pathlib.Path(__file__).parents[2] / "docs" / "scaling.md"
HEAD = (
    "| config, batch | TPUs | strategy | GB of a device (of) | arguments | temporaries "
    "| TFLOP a step | exchanges in the program |\n"
    "|---|---|---|---|---|---|---|---|\n"
)


class Case(NamedTuple):
    """A config on a topology, with what is changed in it."""

    config: str
    topology: str
    changes: dict[str, str]

    @property
    def experiment(self):
        made = load_config(self.config)
        for path, text in self.changes.items():
            override(made, path, text)
        return made


TOYS = tuple(
    Case(config, topology, {"parallel.strategy": strategy})
    for config, topology in (("pixels_toy", "v5e:2x4"), ("ambix_toy", "v4:2x2x2"))
    for strategy in ("data", "fsdp")
)
PUBLISHED = (
    Case(
        "pixels_music",
        "v5e:4x4",
        {"data.batch_size": "256", "task.norm_group_size": "none"},
    ),
)
CASES = TOYS + PUBLISHED


def record(case):
    cost = cost_ahead(case.experiment, case.topology)
    found = describe_cost(case.experiment, cost)
    return {"topology": case.topology, "changes": case.changes, **found}


def read():
    return json.loads(FILE.read_text())


def table(records):
    return HEAD + "".join(f"| {' | '.join(_cells(found))} |\n" for found in records)


def _cells(found):
    sizes = found["device_memory_gb"]
    kinds = (f"{count} {kind}" for kind, count in found["collectives"].items())
    return (
        f"`{found['config']}`, {found['batch_size']}",
        f"{found['topology']}, {found['num_devices']} devices",
        found["strategy"],
        f"{sizes['total']:.2g} ({found['device_hbm_gb']:.1f})",
        f"{sizes['arguments']:.2g}",
        f"{sizes['temporaries']:.2g}",
        f"{found['device_flops'] * found['num_devices'] / 1e12:.3g}",
        ", ".join(kinds),
    )


def main(names):
    jax.config.update("jax_platforms", "cpu")
    found = {_key(r): r for r in read()} if FILE.exists() else {}
    for case in CASES:
        key = _key(case._asdict())
        if not names or case.config in names:
            found[key] = record(case)
            print(json.dumps(found[key]), flush=True)
        kept = [found[k] for k in (_key(c._asdict()) for c in CASES) if k in found]
        FILE.write_text(json.dumps(kept, indent=1) + "\n")
    text = PAGE.read_text()
    PAGE.write_text(re.sub(re.escape(HEAD) + r"(\|.*\n)*", lambda _: table(kept), text))


def _key(found):
    return (found["config"], found["topology"], json.dumps(found["changes"]))


if __name__ == "__main__":
    main(sys.argv[1:])
