"""The folder of compiled programs, kept whole.

JAX writes an entry in place and never replaces one. An entry that a full disk or a kill
cut off would stay, and be warned of in every run from then on.
"""

import glob
import os
import pathlib
import re
import warnings
from typing import TextIO

from absl import logging

_TROUBLE = re.compile(
    r"Error (?:reading|writing) persistent compilation cache entry for '(.+?)'"
)


def mend(folder: str | os.PathLike[str]) -> None:
    """Removes an entry that JAX warns of, instead of passing the warning on.

    JAX then goes on without it, and writes it again when there is room.

    Args:
      folder: of the compiled programs.
    """
    earlier = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        found = _TROUBLE.match(str(message))
        if found is None:
            earlier(message, category, filename, lineno, file, line)
            return
        logging.info("%s", message)
        for entry in pathlib.Path(folder).glob(f"{glob.escape(found[1])}-*"):
            entry.unlink(missing_ok=True)

    warnings.showwarning = show
