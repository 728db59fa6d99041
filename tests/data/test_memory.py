"""What is freed stays with the process, so that reading on costs no new pages."""

import resource
import subprocess
import sys

import pytest

from spatialjax.data import memory

CODE = """
import resource, runpy, sys
keep_freed_memory = runpy.run_path(sys.argv[1])["keep_freed_memory"]
if sys.argv[2] == "kept":
    keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [b"x" * (5 << 20) for _ in range(3)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(*[faults() for _ in range(6)])
"""


def test_blocks_are_used_again():
    def faults(mode):
        command = [sys.executable, "-S", "-c", CODE, memory.__file__, mode]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env={}
        )
        return [int(number) for number in done.stdout.split()]

    block = 3 * (5 << 20) // resource.getpagesize()
    assert faults("kept")[-1] < block // 10 < faults("left")[-1]


@pytest.mark.parametrize(
    ("library", "tunables"),
    [("", ""), ("glibc", "glibc.malloc.mmap_threshold=8589934592")],
)
def test_another_c_library_and_what_is_told_stand(monkeypatch, library, tunables):
    def refuse(name):
        raise OSError

    monkeypatch.setenv("GLIBC_TUNABLES", tunables)
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: (library, ""))
    monkeypatch.setattr(memory.ctypes, "CDLL", refuse)
    memory.keep_freed_memory()
