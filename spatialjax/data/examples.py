"""Examples: which clips they mix and how each is cut; nothing is read yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from spatialjax.data.clips import Clip, Dataset
from spatialjax.data.images import WHOLE, Crop, square_box
from spatialjax.data.pairs import PairList, PairRule
from spatialjax.data.sampling import Sampler
from spatialjax.data.windows import Window
from spatialjax.errors import DataError

Seen = tuple[Clip, int]
"""A clip and the centre around which its pictures are taken."""


@dataclass(frozen=True)
class Source:
    """One source of an example: which clip, where, how it is cut, how loud.

    `index` is its place among the sources that the clip itself holds. `others` are
    centres to take instead, one after the other, where it is silent. `seen` is where
    the pictures come from, if from elsewhere: a clip and its centre.
    """

    clip: Clip
    index: int
    centre: int
    crop: Crop
    gain: float = 1.0
    is_silent: bool = False
    others: tuple[int, ...] = ()
    seen: Seen | None = None


Example = tuple[Source, ...]


ENDLESS = 1 << 60
"""Examples of a training run: more than any will take."""

GOLDEN = 0.6180339887498949
"""Step, modulo 1, that spreads any number of points evenly (Weyl)."""


@dataclass(frozen=True)
class DrawnExamples:
    """The endless examples of training."""

    clips: tuple[Clip, ...]
    sampler: Sampler
    window: Window
    image_scale: float
    num_retries: int = 0
    """Further centres of each source, for windows that turn out to be silent."""

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
                others=tuple(
                    self.window.drawn(clip, (draw.centre + j * GOLDEN) % 1.0)
                    for j in range(1, self.num_retries + 1)
                ),
            )
            for draw in self.sampler.item(index)
        )


def listed_examples(
    pairs: PairList,
    dataset: Dataset,
    window: Window,
    box_margin: float,
    swaps_images: bool = False,
) -> tuple[Example, ...]:
    """The examples of a pair list, nothing drawn.

    Under the rule ``duet`` a source is seen in the square around its box, `box_margin`
    of the box's longer side left on each side; without boxes in the whole picture.

    With `swaps_images` each source shows the pictures of another one: the next of its
    example, or, where it is the only one, of an example of another clip.

    Raises:
      DataError: the list belongs to another dataset, or all its items are of one clip,
        so that there are no other pictures.
    """
    is_duet = pairs.rule is PairRule.DUET
    examples: list[Example] = []
    for row, clips in enumerate(pairs.clips(dataset)):
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
                    window.middle(clip)
                    if pairs.centres is None
                    else pairs.centres[row],
                    Crop(box=_seen(clip, n, box_margin) if is_duet else WHOLE),
                )
                for clip, n in places
            )
        )
    if swaps_images:
        return tuple(_swapped(examples))
    return tuple(examples)


def _swapped(examples: Sequence[Example]) -> Iterator[Example]:
    """Examples in which each source shows the pictures of another one.

    Raises:
      DataError: there are none.
    """
    for row, example in enumerate(examples):
        others = [*example[-1:], *example[:-1]]
        if len(example) == 1:
            others = [_of_another_clip(examples, row)]
        yield tuple(
            replace(source, seen=(other.clip, other.centre), crop=other.crop)
            for source, other in zip(example, others, strict=True)
        )


def _of_another_clip(examples: Sequence[Example], row: int) -> Source:
    """The only source of the next example of another clip, from half the list on."""
    count, own = len(examples), examples[row][0].clip.clip_id
    for step in range(count):
        (other,) = examples[(row + count // 2 + step) % count]
        if other.clip.clip_id != own:
            return other
    raise DataError(f"all items are of clip {own!r}: there are no others to swap with")


def _seen(clip: Clip, index: int, margin: float) -> tuple[float, float, float, float]:
    """The part of the picture in which a source of a duet is seen."""
    if clip.boxes is None:
        return WHOLE
    return square_box(clip.boxes[index], clip.height, clip.width, margin)
