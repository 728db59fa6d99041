"""Examples: which clips they mix and how each is cut; nothing is read yet."""

from dataclasses import dataclass

from spatialjax.data.clips import Clip, Dataset
from spatialjax.data.images import WHOLE, Crop, square_box
from spatialjax.data.pairs import PairList, PairRule
from spatialjax.data.sampling import Sampler
from spatialjax.data.windows import Window


@dataclass(frozen=True)
class Source:
    """One source of an example: which clip, where, how it is cut, how loud.

    `index` is its place among the sources that the clip itself holds.
    """

    clip: Clip
    index: int
    centre: int
    crop: Crop
    gain: float = 1.0
    is_silent: bool = False


Example = tuple[Source, ...]


ENDLESS = 1 << 60
"""Examples of a training run: more than any will take."""


@dataclass(frozen=True)
class DrawnExamples:
    """The endless examples of training."""

    clips: tuple[Clip, ...]
    sampler: Sampler
    window: Window
    image_scale: float

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, index: int) -> Example:
        return tuple(
            Source(
                clip=(clip := self.clips[draw.clip]),
                index=0,
                centre=self.window.drawn(clip, draw.centre),
                crop=Crop(
                    row=draw.crop_row,
                    column=draw.crop_column,
                    scale=self.image_scale,
                    is_flipped=draw.is_flipped,
                ),
                gain=draw.gain,
                is_silent=draw.is_silent,
            )
            for draw in self.sampler.item(index)
        )


def listed_examples(
    pairs: PairList, dataset: Dataset, window: Window, box_margin: float
) -> tuple[Example, ...]:
    """The examples of a pair list: the middle of each clip, nothing drawn.

    Under the rule ``duet`` a source is seen in the square around its box, `box_margin`
    of the box's longer side left on each side; without boxes in the whole picture.

    Raises:
      DataError: the list belongs to another dataset.
    """
    is_duet = pairs.rule is PairRule.DUET
    examples = []
    for clips in pairs.clips(dataset):
        places = (
            [(clips[0], n) for n in range(pairs.num_sources)]
            if is_duet
            else [(clip, 0) for clip in clips]
        )
        examples.append(
            tuple(
                Source(
                    clip,
                    n,
                    window.middle(clip),
                    Crop(box=_seen(clip, n, box_margin) if is_duet else WHOLE),
                )
                for clip, n in places
            )
        )
    return tuple(examples)


def _seen(clip: Clip, index: int, margin: float) -> tuple[float, float, float, float]:
    """The part of the picture in which a source of a duet is seen."""
    if clip.boxes is None:
        return WHOLE
    return square_box(clip.boxes[index], clip.height, clip.width, margin)
