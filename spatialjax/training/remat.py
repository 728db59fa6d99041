"""Rematerialisation: what the backward pass keeps, and what it computes again."""

import enum
from collections.abc import Callable

import jax

from spatialjax.nn import BLOCK, LINEAR


class Remat(enum.Enum):
    """What the forward pass keeps for the backward pass.

    NONE keeps all. LINEAR keeps what convolutions and matrix products give, and
    computes norms and activations again: little work, as these are elementwise. BLOCKS
    keeps what the blocks of a network give, and computes again all that is within
    them: about a third more work, for the least memory.
    """

    NONE = "none"
    LINEAR = "linear"
    BLOCKS = "blocks"

    def wrap(self, loss: Callable) -> Callable:
        """The same function, which keeps less for its gradient."""
        if self is Remat.NONE:
            return loss
        name = LINEAR if self is Remat.LINEAR else BLOCK
        policy = jax.checkpoint_policies.save_only_these_names(name)
        return jax.checkpoint(loss, policy=policy)
