"""Creates a virtual environment from a lock file; prints its time and its size.

Run by the Makefile with the system's Python, so it imports the standard library alone.
"""

import subprocess
import sys
import time
import venv
from pathlib import Path


def main(environment: str, lock: str) -> int:
    """Exit status of pip; the environment is created where it is missing."""
    started = time.monotonic()
    root = Path(environment)
    python = root / "bin" / "python"
    if not python.exists():
        print(f"creating {root} (Python {sys.version.split()[0]})", flush=True)
        venv.create(root, with_pip=True)
    print(f"installing {lock}: about a gigabyte, a minute or two", flush=True)
    status = subprocess.call(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        + ["--requirement", lock]
    )
    if status:
        print(f"pip could not install {lock}; its message stands above")
        return status
    size = sum(p.stat().st_size for p in root.rglob("*") if p.is_file())
    print(f"installed in {time.monotonic() - started:.0f} s, {size / 1e9:.2f} GB")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
