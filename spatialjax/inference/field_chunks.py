"""Sound fields of chunks in a row, as published: nothing overlaps, nothing is faded."""

from dataclasses import dataclass

from spatialjax.inference.field_program import FieldGeometry, FieldWindows
from spatialjax.inference.overlap import in_a_row
from spatialjax.tasks.base import ChunkSpatializer, Variables
from spatialjax.typing import Array


@dataclass(frozen=True)
class ChunkRow:
    """The `FieldProgram` of a `ChunkSpatializer`.

    Ten chunks are computed together, the last ones filled up with zeros, since chunks
    may depend on those beside them (deploy.py of spatialaudiogen).
    """

    task: ChunkSpatializer

    batch_size = 10

    @property
    def geometry(self) -> FieldGeometry:
        spec = self.task.chunk_spec
        return FieldGeometry(
            sample_rate_hz=spec.sample_rate_hz,
            order=spec.order,
            num_heard=spec.num_samples,
            num_given=spec.num_given,
            lead=spec.start,
            delay=0,
            looks_at=0,
            num_images=int(spec.has_video or spec.has_flow),
            image_size=spec.image_size,
            image_spacing_s=0,
            has_video=spec.has_video,
            has_flow=spec.has_flow,
        )

    def first_carry(self) -> tuple[()]:
        """Nothing goes over from chunk to chunk."""
        return ()

    def step(
        self, variables: Variables, carry: tuple[()], windows: FieldWindows[Array]
    ) -> tuple[tuple[()], Array]:
        """The carry, and samples ``[c, b num_given]``; traced."""
        is_filler = windows.remaining < 0
        chunks = self.task.spatialize_chunks(
            variables, windows.samples, windows.shown, is_filler
        )
        return carry, in_a_row(chunks)
