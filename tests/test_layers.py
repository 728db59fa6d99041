"""The rules that hold for every file: who imports whom, how long, what is absent.

Each rule takes the parsed source of one file and gives its breaches as texts; a rule
is itself tested on a few lines that break it.
"""

import ast
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = ("spatialjax", "tfds_builders", "launch", "configs")

# A folder may import its own files and what stands to its left.
LEFT_TO_RIGHT = """
typing errors config < audio media < ambisonics vision < acoustics < losses metrics < nn
< models < tasks < data < inference < evaluation < training < reports convert
< benchmarks
"""
ORDER = LEFT_TO_RIGHT.replace("<", "").split()
BUILDERS_MAY_IMPORT = ORDER[: ORDER.index("acoustics") + 1]
MAY_IMPORT = {  # besides spatialjax
    "spatialjax": set(),
    "tfds_builders": {"tfds_builders"},
    "launch": {"launch", "tfds_builders"},
    "configs": {"configs"},
}
PURE = ("audio", "ambisonics", "acoustics", "vision", "losses", "metrics")
NOT_PURE = re.compile(
    r"(flax|orbax|grain|tensorflow_datasets|array_record|absl|tqdm|av|soundfile|PIL|"
    r"matplotlib|jinja2|safetensors|h5py|tensorboardX|requests|urllib|http|socket|ssl|"
    r"subprocess|pathlib|shutil|tempfile|glob|io|json|csv|pickle|shelve|sqlite3|zipfile|"
    r"tarfile|gzip|bz2|lzma|zlib|mmap|fileinput|logging)\b"
)
PURE_USES_OF_OS = {"cpu_count", "sched_getaffinity"}
MAY_PRINT = (
    "reports",
    "training",
    "benchmarks",
)  # figures and progress are for the terminal

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_PROGRAM = 119
MOST_LINES_OF_A_FUNCTION = 60  # 40 is the aim


class Source(NamedTuple):
    """One Python file: its path below the root, its text and its syntax tree."""

    path: pathlib.PurePosixPath
    text: str
    tree: ast.Module

    @property
    def layer(self):
        """The name in ORDER, or None outside spatialjax and for its __init__."""
        parts = self.path.with_suffix("").parts
        inside = parts[0] == "spatialjax" and parts[1] != "__init__"
        return parts[1] if inside else None

    @property
    def is_init(self):
        return self.path.name == "__init__.py"


def parse(path, text):
    return Source(pathlib.PurePosixPath(path), text, ast.parse(text))


def read_all():
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield parse(file.relative_to(ROOT).as_posix(), file.read_text("utf-8"))


def imported_names(source):
    """Line and full name of everything imported, at the top or inside functions.

    A bare ``import spatialjax`` counts as what is then taken from it.
    """
    package = source.path.parent.parts
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name != "spatialjax":
                    yield node.lineno, alias.name
        elif isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "spatialjax":
                yield node.lineno, f"spatialjax.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def breaches_of_order(source):
    top, layer = source.path.parts[0], source.layer
    if layer is not None and layer not in ORDER:
        yield f"{layer!r} does not stand in ORDER"
        return
    if top == "spatialjax":
        known = ORDER[: ORDER.index(layer) + 1] if layer else ()
    else:
        known = BUILDERS_MAY_IMPORT if top == "tfds_builders" else ORDER
    for line, name in imported_names(source):
        first, *rest = name.split(".")
        if first == "spatialjax":
            allowed = rest[:1] in ([part] for part in (*known, "__version__"))
        else:
            ours = first in FOLDERS or first == "tests"
            allowed = not ours or first in MAY_IMPORT[top]
        if not allowed:
            yield f"line {line}: imports {name}"


def breaches_of_purity(source):
    if source.layer not in PURE:
        return
    for line, name in imported_names(source):
        if NOT_PURE.match(name):
            yield f"line {line}: imports {name} in a pure folder"
        if re.fullmatch(r"os\..*", name) and name[3:] not in PURE_USES_OF_OS:
            yield f"line {line}: imports {name} in a pure folder"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "os" and node.attr not in PURE_USES_OF_OS:
                yield f"line {node.lineno}: uses os.{node.attr} in a pure folder"
            if node.value.id in ("np", "numpy", "jnp") and re.match(
                "load|save|fromfile|genfromtxt|memmap", node.attr
            ):
                yield f"line {node.lineno}: {node.attr} reads or writes a file"
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "open":
            yield f"line {node.lineno}: opens a file in a pure folder"


def breaches_of_absence(source):
    """What stands nowhere: TensorFlow, asserts, postponed annotations, prints."""
    for line, name in imported_names(source):
        if name.split(".")[0] in ("tensorflow", "tf_keras", "keras"):
            yield f"line {line}: imports TensorFlow"
        if name == "__future__.annotations":
            yield f"line {line}: postpones annotations, which hides types from configs"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: asserts; raise an error that tells the user"
        is_print = (
            isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
        )
        if is_print and source.layer is not None and source.layer not in MAY_PRINT:
            yield f"line {node.lineno}: prints"


def breaches_of_length(source):
    lines = len(source.text.splitlines())
    is_program = source.path.parts[0] == "launch" and source.path.name[0] != "_"
    most = MOST_LINES_OF_A_PROGRAM if is_program else MOST_LINES_OF_A_FILE
    if lines > most:
        yield f"has {lines} lines, expected at most {most}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield f"{node.name} has {lines} lines, at most 60 (40 is the aim)"


def breaches_of_docstrings(source):
    if not source.is_init and not ast.get_docstring(source.tree):
        yield "has no docstring"


def breaches_of_inits(source):
    """An __init__ exposes names and does nothing else."""
    if not source.is_init:
        return
    plain = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    for node in source.tree.body:
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (is_text or isinstance(node, plain)):
            yield f"line {node.lineno}: does more than expose names"


def breaches_of_quick_answers(source):
    """A program imports what is slow inside `main`: --help and mistakes come first."""
    if source.path.parts[0] != "launch":
        return
    top = [n for n in source.tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    quick = (
        "spatialjax.errors",
        "spatialjax.config",
        "absl",
        "ml_collections",
        "launch",
    )
    for line, name in imported_names(source._replace(tree=ast.Module(top, []))):
        is_quick = re.match(rf"({'|'.join(quick)})(\.|$)", name)
        if not is_quick and name.split(".")[0] not in sys.stdlib_module_names:
            yield f"line {line}: imports {name} before the flags are read"


RULES = (
    breaches_of_order,
    breaches_of_purity,
    breaches_of_absence,
    breaches_of_length,
    breaches_of_docstrings,
    breaches_of_inits,
    breaches_of_quick_answers,
)


@pytest.mark.parametrize("rule", RULES)
def test_every_file_keeps_the_rule(rule):
    sources = list(read_all())
    assert {source.path.parts[0] for source in sources} == set(FOLDERS)
    breaches = [f"{s.path}: {breach}" for s in sources for breach in rule(s)]
    assert not breaches, "\n" + "\n".join(breaches)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (breaches_of_order, "spatialjax/audio/a.py", "import spatialjax.vision"),
        (breaches_of_order, "spatialjax/audio/a.py", "from spatialjax import vision"),
        (
            breaches_of_order,
            "spatialjax/audio/a.py",
            "from spatialjax.nn.norm import x",
        ),
        (breaches_of_order, "spatialjax/audio/a.py", "def f():\n import spatialjax.nn"),
        (breaches_of_order, "spatialjax/audio/a.py", "from ..models import unet"),
        (breaches_of_order, "spatialjax/errors.py", "from spatialjax import config"),
        (breaches_of_order, "spatialjax/data/a.py", "import tfds_builders.toy_band"),
        (breaches_of_order, "spatialjax/data/a.py", "from launch import _app"),
        (breaches_of_order, "spatialjax/data/a.py", "from tests.fakes import FakeTask"),
        (breaches_of_order, "spatialjax/nn/a.py", "import spatialjax\nspatialjax.data"),
        (breaches_of_order, "spatialjax/__init__.py", "import spatialjax.errors"),
        (breaches_of_order, "spatialjax/other.py", ""),
        (breaches_of_order, "spatialjax/helpers/a.py", ""),
        (breaches_of_order, "tfds_builders/a.py", "import spatialjax.losses"),
        (breaches_of_order, "tfds_builders/a.py", "import configs.pixels_toy"),
        (breaches_of_order, "launch/a.py", "from configs import pixels_toy"),
        (breaches_of_order, "configs/a.py", "import launch._app"),
        (breaches_of_purity, "spatialjax/losses/a.py", "from flax import nnx"),
        (breaches_of_purity, "spatialjax/audio/a.py", "import pathlib"),
        (breaches_of_purity, "spatialjax/audio/a.py", "import os\nos.environ['A']"),
        (breaches_of_purity, "spatialjax/audio/a.py", "from os import path"),
        (breaches_of_purity, "spatialjax/metrics/a.py", "open('x')"),
        (breaches_of_purity, "spatialjax/metrics/a.py", "np.load('x')"),
        (breaches_of_absence, "launch/a.py", "import tensorflow as tf"),
        (breaches_of_absence, "launch/a.py", "from tensorflow.data import Dataset"),
        (breaches_of_absence, "configs/a.py", "from __future__ import annotations"),
        (breaches_of_absence, "spatialjax/nn/a.py", "assert x"),
        (breaches_of_absence, "spatialjax/nn/a.py", "print(3)"),
        (breaches_of_length, "spatialjax/nn/a.py", "x = 1\n" * 401),
        (breaches_of_length, "launch/a.py", "x = 1\n" * 120),
        (breaches_of_length, "launch/a.py", "def f():\n" + "  x = 1\n" * 60),
        (breaches_of_docstrings, "launch/a.py", "x = 1"),
        (breaches_of_inits, "spatialjax/nn/__init__.py", "def f():\n  return 1"),
        (breaches_of_quick_answers, "launch/a.py", "import jax"),
        (breaches_of_quick_answers, "launch/a.py", "from spatialjax.training import t"),
    ],
)
def test_a_rule_finds_a_breach(rule, path, text):
    assert len(list(rule(parse(path, text)))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("spatialjax/audio/a.py", "from spatialjax.audio.b import c"),
        ("spatialjax/audio/a.py", "from . import b\nfrom .b import c"),
        ("spatialjax/audio/a.py", "import os\nn = os.cpu_count()"),
        ("spatialjax/metrics/a.py", "from spatialjax.losses import x\nimport numpy"),
        (
            "spatialjax/nn/a.py",
            "from flax import nnx\nfrom spatialjax import __version__",
        ),
        ("spatialjax/nn/a.py", "import spatialjax\nspatialjax.__version__"),
        ("spatialjax/training/a.py", "import spatialjax.tasks\nprint(3)"),
        ("tfds_builders/toy/a.py", "import tensorflow_datasets, tfds_builders.b"),
        ("launch/a.py", "import json\nfrom absl import flags\nfrom launch import _app"),
        ("launch/a.py", "def main():\n  import tfds_builders, jax\n  print(3)"),
        ("configs/a.py", "from spatialjax.training import experiment"),
        ("spatialjax/nn/__init__.py", "from spatialjax.nn.a import b\n__all__ = ['b']"),
    ],
)
def test_the_rules_let_good_lines_pass(path, text):
    doc = '"""What stands here."""\n'
    source = parse(path, doc + text)
    assert not [breach for rule in RULES for breach in rule(source)]


def test_no_tracked_text_names_a_path_of_one_machine():
    pattern = re.compile(rb"(?<![\w.~}])/(?:home|root|work)/")
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing = subprocess.run(
        command, cwd=ROOT, capture_output=True, check=True, text=True
    )
    names = [name for name in listing.stdout.split("\0") if name]
    assert "pyproject.toml" in names
    breaches = []
    for name in names:
        file = ROOT / name
        content = file.read_bytes() if file.is_file() else b""
        if b"\0" not in content:  # a text
            lines = enumerate(content.splitlines(), 1)
            breaches += [f"{name}:{i}" for i, line in lines if pattern.search(line)]
    assert not breaches, breaches
