"""What the stream of a sound field needs to know of whatever gives its windows."""

from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from spatialjax.tasks.base import Variables
from spatialjax.typing import Array, HostArray, PyTree

A = TypeVar("A", Array, HostArray)


@dataclass(frozen=True)
class FieldGeometry:
    """Where the windows of a mono stream lie, in samples.

    Attributes:
      sample_rate_hz: of the stream.
      order: of the sound field.
      num_heard: samples that a window hears.
      num_given: samples from one window to the next, which each gives.
      lead: how long before i · `num_given` window i begins to hear.
      delay: how long before i · `num_given` what it gives begins.
      looks_at: how long after i · `num_given` its middle picture is shown.
      num_images: pictures of a window, 0 for none.
      image_size: height and width of these.
      image_spacing_s: time between them.
      has_video: whether the pictures themselves are seen.
      has_flow: whether optical flow is seen.
    """

    sample_rate_hz: int
    order: int
    num_heard: int
    num_given: int
    lead: int
    delay: int
    looks_at: float
    num_images: int
    image_size: tuple[int, int]
    image_spacing_s: float
    has_video: bool
    has_flow: bool

    def looks_at_s(self, index: int) -> float:
        """When the middle picture of a window is shown."""
        return (index * self.num_given + self.looks_at) / self.sample_rate_hz

    def picture_times_s(self, index: int) -> HostArray:
        """When the pictures ``[v]`` of a window are shown."""
        steps = np.arange(self.num_images) - self.num_images // 2
        return self.looks_at_s(index) + self.image_spacing_s * steps


class FieldWindows(NamedTuple, Generic[A]):
    """Consecutive windows of a mono stream.

    `image_time_s` is counted from the time that a window looks at. `remaining` is how
    many samples the stream still has from i · `num_given` on, as far as that matters.
    """

    samples: A  # [b, t]
    shown: dict[str, A]  # images [b, v, h, w, 3], flow [b, v, h, w, 2]
    image_time_s: A  # [b, v]
    is_first: A  # [b]
    remaining: A  # [b]


class FieldProgram(Protocol):
    """Gives the channels above W of windows that come in a row."""

    @property
    def geometry(self) -> FieldGeometry: ...

    @property
    def batch_size(self) -> int | None:
        """Windows that have to be computed together; None where any number may."""
        ...

    def first_carry(self) -> PyTree:
        """What a stream begins with."""
        ...

    def step(
        self, variables: Variables, carry: PyTree, windows: FieldWindows[Array]
    ) -> tuple[PyTree, Array]:
        """The next carry, and samples ``[c, b num_given]``; traced."""
        ...
