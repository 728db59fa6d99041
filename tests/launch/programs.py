"""Programs called in this process, although each of them defines flags of its own."""

import importlib
import sys
from contextlib import contextmanager

import grain  # noqa: F401  # defines flags, which flagsaver would take back
from absl import flags
from absl.testing import flagsaver


@contextmanager
def program(name, **values):
    """The freshly imported module of a program, its flags set; no others' beside."""
    for module, defined in list(flags.FLAGS.flags_by_module_dict().items()):
        if module.startswith("launch."):
            for flag in list(defined):
                delattr(flags.FLAGS, flag.name)
    sys.modules.pop(f"launch.{name}", None)
    module = importlib.import_module(f"launch.{name}")
    with flagsaver.flagsaver(**values):
        yield module
