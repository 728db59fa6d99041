"""Entries of JAX's folder of compiled programs that were cut off.

pytest gives every test a `warnings.showwarning` of its own.
"""

import warnings

import pytest

from launch import _compiled_programs

TROUBLE = "Error {} persistent compilation cache entry for 'jit_step': error: -5"


@pytest.fixture
def shown(monkeypatch):
    """The warnings that are passed on."""
    passed = []
    monkeypatch.setattr(warnings, "showwarning", lambda *words: passed.append(words))
    return passed


def warn(text):
    warnings.showwarning(UserWarning(text), UserWarning, "compiler.py", 1)


@pytest.mark.parametrize("doing", ["reading", "writing"])
def test_an_entry_that_jax_warns_of_goes(tmp_path, shown, doing):
    for name in ("jit_step-12ab-cache", "jit_step-34cd-cache", "jit_steps-5-cache"):
        (tmp_path / name).write_text("cut o")
    _compiled_programs.mend(tmp_path)
    warn(TROUBLE.format(doing))
    assert [path.name for path in tmp_path.iterdir()] == ["jit_steps-5-cache"]
    assert shown == []


def test_other_warnings_are_shown(tmp_path, shown):
    _compiled_programs.mend(tmp_path)
    warn("beware")
    assert [str(words[0]) for words in shown] == ["beware"]
