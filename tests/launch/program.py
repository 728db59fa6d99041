"""A program behind the front: it prints what it is given, or fails as it is told."""

import sys

from absl import flags

from launch import _app
from spatialjax.errors import DataError

_WORKDIR = flags.DEFINE_string("workdir", None, "where to write", required=True)
_FAIL = flags.DEFINE_enum("fail", None, ["user", "defect", "write"], "how to fail")


def main(config):
    if _FAIL.value == "user":
        raise DataError("the index has 2 columns,\n  expected 3")
    if _FAIL.value == "defect":
        raise ValueError("a defect")
    if _FAIL.value == "write":
        with open(f"{_WORKDIR.value}/below", "w") as file:
            file.write("x")
    print(_WORKDIR.value, config.seed, config.task.loss.name, "jax" in sys.modules)
    return 3


if __name__ == "__main__":
    _app.run(main, config_flag=True, uses_jax=False)
