"""A page of tables from the JSON files that launch.benchmark wrote.

    python -m launch.benchmark_page docs/benchmarks

reads the folder's .json files and writes docs/benchmarks.md beside it.
"""

import pathlib

from launch import _app


def main(folder: str) -> None:
    """Read, write."""
    from spatialjax.benchmarks import benchmark_page
    from spatialjax.media import write_file

    source = pathlib.Path(folder).resolve()
    target = source.with_name(f"{source.name}.md")
    write_file(target, benchmark_page(source).encode())
    print(target)


if __name__ == "__main__":
    _app.run(main, positional=("FOLDER",), uses_jax=False)
