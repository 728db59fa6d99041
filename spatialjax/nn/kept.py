"""Names of what a backward pass may keep of the forward pass, see `training.remat`."""

LINEAR = "linear"
"""What a convolution or a matrix product gives."""

BLOCK = "block"
"""What a block of a network gives: the only values that the next one needs."""
