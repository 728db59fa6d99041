"""Published weights as our variables."""

from spatialjax.convert.resnet18 import load_resnet18, read_arrays

__all__ = ["load_resnet18", "read_arrays"]
