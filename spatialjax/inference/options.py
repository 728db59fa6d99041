"""What to separate a film into, and how."""

from dataclasses import dataclass

from spatialjax.audio import PostFilter
from spatialjax.errors import ConfigError


@dataclass(frozen=True)
class SeparationOptions:
    """What to separate, and how; exactly one of the first four says what.

    Attributes:
      is_grid: every place of the picture.
      boxes: a JSON file of boxes, see `box_regions`.
      points: a text of points, see `point_regions`.
      num_objects: clusters of places that sound alike.
      postfilter: of the estimates; None takes `WIENER` for two and more
        boxes or objects, which share the sound of the film out, and `NONE` for a grid,
        for points and for one source, which do not.
      reference: file of a second microphone that hears the film's noise and little
        else; what it explains is removed from the sound of the film first.
      keeps_rate: write the sources at the rate of the film, with what is above the
        model's in a residual of its own.
      max_memory_gb: that a device may use; None allows three quarters of what it has.
    """

    is_grid: bool = False
    boxes: str | None = None
    points: str | None = None
    num_objects: int | None = None
    postfilter: PostFilter | None = None
    reference: str | None = None
    keeps_rate: bool = False
    max_memory_gb: float | None = None

    def validate(self) -> None:
        """Check that one thing is asked for, and the ranges.

        Raises:
          ConfigError: none or several are asked for, or a number is out of range.
        """
        asked = [
            self.is_grid,
            self.boxes is not None,
            self.points is not None,
            self.num_objects is not None,
        ]
        if sum(asked) != 1:
            raise ConfigError(
                f"{sum(asked)} of grid, boxes, points and num_objects are given; give "
                "the one that says what to separate"
            )
        for name in ("num_objects", "max_memory_gb"):
            value, least = getattr(self, name), 1 if name == "num_objects" else 0
            if value is not None and not value >= least:
                raise ConfigError(f"{name} is {value}, expected {least} or more")

    def filter_for(self, num_sources: int) -> PostFilter:
        """The filter of the estimates of so many sources.

        Raises:
          ConfigError: the filter would undo the separation of a single source.
        """
        kind = self.postfilter
        if kind is not None and kind.is_adaptive and self.reference is not None:
            kind = None  # it is the reference's
        shares_out = self.boxes is not None or self.num_objects is not None
        if kind is None:
            is_shared = shares_out and num_sources > 1
            return PostFilter.WIENER if is_shared else PostFilter.NONE
        if num_sources == 1 and kind is not PostFilter.NONE:
            raise ConfigError(
                f"the post-filter {kind.value} shares the sound out among sources, and "
                "one source would get all of it; ask for two or more, or take none"
            )
        return kind

    @property
    def reference_filter(self) -> PostFilter:
        """What removes the second microphone from the sound of the film."""
        kind = self.postfilter
        return kind if kind is not None and kind.is_adaptive else PostFilter.RLS
