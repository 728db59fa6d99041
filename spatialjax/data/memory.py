"""Memory that a process keeps for its next blocks, in place of giving it back."""

import ctypes
import os
import platform

KEPT_BYTES = 64 << 20
"""What the C library keeps at the end of each heap: some thirty records."""

OWN_BYTES = 32 << 20
"""Blocks from this size on come from the system, each by itself."""

_M_TOP_PAD, _M_MMAP_THRESHOLD = -2, -3


def keep_freed_memory() -> None:
    """Has the C library keep freed memory, where it is glibc and is not told otherwise.

    By default glibc returns blocks of some megabytes to the system when they are freed,
    and each record is read into pages that the system has to clear anew: half of the
    time that a record of pictures and flow takes.
    """
    told = os.environ.get("GLIBC_TUNABLES", "")
    is_told = "mmap_threshold" in told or "top_pad" in told
    if platform.libc_ver()[0] == "glibc" and not is_told:
        library = ctypes.CDLL(None)
        library.mallopt(_M_TOP_PAD, KEPT_BYTES)
        library.mallopt(_M_MMAP_THRESHOLD, OWN_BYTES)
