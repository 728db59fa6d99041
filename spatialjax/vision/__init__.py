"""Pictures: pure functions on arrays, batched over leading axes."""

from spatialjax.vision.standardise import Standardisation, standardise

__all__ = ["Standardisation", "standardise"]
