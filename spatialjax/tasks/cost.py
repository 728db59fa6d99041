"""What a compiled program takes of a device, as far as the compiler tells."""

import math
import os

import jax

GB = 1e9


def memory_gb(compiled: jax.stages.Compiled) -> float:
    """Arguments, results and temporaries of a program on one device, in 10^9 bytes."""
    found = compiled.memory_analysis()
    if found is None:  # where the backend does not tell
        return math.nan
    return (
        found.argument_size_in_bytes
        + found.output_size_in_bytes
        + found.temp_size_in_bytes
        - found.alias_size_in_bytes
    ) / GB


def device_memory_gb() -> float:
    """What one of the devices may hold, in 10^9 bytes; infinite where none tells."""
    device = jax.devices()[0]
    stats = device.memory_stats()
    if stats is not None and "bytes_limit" in stats:
        return float(stats["bytes_limit"]) / GB
    if device.platform != "cpu":
        return math.inf
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return whole / jax.device_count() / GB
