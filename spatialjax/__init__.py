"""Audio-visual sound separation and spatial audio in JAX."""

__version__ = "0.1.0"
