"""Trained models at work on films of any kind and length."""

from spatialjax.inference.options import SeparationOptions
from spatialjax.inference.regions import Region
from spatialjax.inference.scene import Scene
from spatialjax.inference.separate import separate_film
from spatialjax.inference.separator import Separator

__all__ = ["Region", "Scene", "SeparationOptions", "Separator", "separate_film"]
