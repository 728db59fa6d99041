"""Published weights as our variables."""

from spatialjax.convert.first_weights import first_weights
from spatialjax.convert.resnet18 import load_resnet18, read_arrays

__all__ = ["first_weights", "load_resnet18", "read_arrays"]
