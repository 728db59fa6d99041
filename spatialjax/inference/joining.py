"""Windows of one stream joined: masks cross-faded on its spectrogram, one inverse.

The stream has one grid of frames. Window i takes the frames i·H up to i·H + 2H, so each
block of H frames lies in two windows, and its mask goes over from the earlier window's
to the later one's. Masks of ones give the stream back.
"""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.audio import (
    PostFilterSettings,
    apply_mask,
    init_postfilter,
    postfilter,
)
from spatialjax.inference.overlap import cross_fade, in_a_row, invert_on
from spatialjax.inference.places import frames_per_map, hear_places, perceive
from spatialjax.tasks.base import MaskSeparator, Variables
from spatialjax.typing import Array, HostArray, PyTree

A = TypeVar("A", Array, HostArray)


class Windows(NamedTuple, Generic[A]):
    """Consecutive windows of a stream.

    `samples` ``[b, c, t]`` reach n_fft / 2 beyond the centres of the first and the last
    frame. A window without a predecessor stands at the begin. One that is `past` has no
    mask of its own: it only lets its predecessor end. `counts` ``[b, H]`` is 1 for a
    frame of the first half that exists.
    """

    samples: A
    images: A  # [b, v, h, w, 3]
    has_previous: A  # [b]
    is_past: A  # [b]
    counts: A


class Carry(NamedTuple, Generic[A]):
    """What a block of windows leaves to the next."""

    masks: A  # [n, f, H]
    energy: A  # [h', w', H / m]
    sounds: A  # [h', w', f], the sum so far
    tail: A  # [n, c, n_fft - hop], not yet divided by the weight
    weight: A  # [n_fft - hop]
    filters: PyTree


class Piece(NamedTuple):
    """The next samples of the estimates, and energies of the places.

    `estimates` ``[n, c, b H hop]`` begin n_fft / 2 samples before the first centre.
    `energy` ``[b H / m, h', w']`` is the mean over m frames of what each place lets
    through, the sum of squared magnitudes.
    """

    estimates: Array
    energy: Array


@dataclass(frozen=True)
class Joiner:
    """What is asked of the windows of one stream.

    Attributes:
      task: gives the masks.
      num_sources: n.
      grid: rows and columns of the places, (h', w').
      channels: of the sound.
      filters: what follows the masks. Those that adapt hear signals; in a bin of a
        spectrum a steady tone's own leak would foretell it, and all of it be lost.
    """

    task: MaskSeparator
    num_sources: int
    grid: tuple[int, int]
    channels: int
    filters: PostFilterSettings

    def first_carry(self) -> Carry[HostArray]:
        """What a stream begins with.

        Raises:
          ConfigError: the post-filter cannot serve so many sources.
        """
        spec = self.task.window_spec
        half, overlap = spec.num_frames // 2, spec.n_fft - spec.hop
        num_sources, num_bins = self.num_sources, spec.n_fft // 2 + 1
        signals = (num_sources, self.channels, half * spec.hop)
        return Carry(
            masks=np.zeros((num_sources, num_bins, half), np.float32),
            energy=np.zeros((*self.grid, half // frames_per_map(spec)), np.float32),
            sounds=np.zeros((*self.grid, num_bins), np.float32),
            tail=np.zeros((num_sources, self.channels, overlap), np.float32),
            weight=np.zeros(overlap, np.float32),
            filters=jax.device_get(
                init_postfilter(
                    self.filters, jax.ShapeDtypeStruct(signals, jnp.float32)
                )
            ),
        )

    def step(
        self,
        variables: Variables,
        regions: Array,
        carry: Carry[Array],
        windows: Windows[Array],
    ) -> tuple[Carry[Array], Piece]:
        """The next piece of the stream; traced.

        Args:
          variables: of the model.
          regions: bool ``[n, h', w']``, the places of each source.
          carry: of the windows before.
          windows: the next ones.
        """
        task, spec = self.task, self.task.window_spec
        perceived = perceive(task, variables, windows.samples, windows.images)
        query = task.query(perceived.places, regions)
        masks = task.masks(variables, perceived.features, query)
        counts = windows.counts * ~windows.is_past[:, None]
        energy, sounds = hear_places(task, variables, perceived, counts)

        edges = windows.has_previous, windows.is_past
        masks, last_masks = cross_fade(masks, carry.masks, *edges)
        energy, last_energy = cross_fade(energy, carry.energy, *edges)
        mixture = perceived.spectrum[..., : spec.num_frames // 2]
        estimates = in_a_row(apply_mask(masks[:, None], mixture)).swapaxes(0, 1)
        if not self.filters.kind.is_adaptive:
            estimates, _ = postfilter(self.filters, estimates, in_a_row(mixture), ())
        signal, tail, weight = invert_on(
            estimates,
            windows.counts.reshape(-1),
            carry.tail,
            carry.weight,
            spec.n_fft,
            spec.hop,
        )
        filters = carry.filters
        if self.filters.kind.is_adaptive:
            whole = in_a_row(windows.samples[..., : spec.num_frames // 2 * spec.hop])
            signal, filters = postfilter(self.filters, signal, whole, filters)
        maps = jnp.moveaxis(energy, -1, 1).reshape(-1, *energy.shape[1:3])
        following = Carry(
            last_masks, last_energy, carry.sounds + sounds, tail, weight, filters
        )
        return following, Piece(signal, maps)
