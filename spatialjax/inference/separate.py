"""A film separated into files, from disk to disk: memory does not grow with length."""

import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Callable

import numpy as np

from spatialjax.audio import PostFilterSettings
from spatialjax.inference.film import Film, OpenSound, open_film
from spatialjax.inference.input_rate import write_at_input_rate
from spatialjax.inference.joining import Joiner
from spatialjax.inference.objects import object_regions
from spatialjax.inference.options import SeparationOptions
from spatialjax.inference.places import frames_per_map, place_colours
from spatialjax.inference.plan import Plan, make_plan
from spatialjax.inference.reference import cleaned_audio
from spatialjax.inference.regions import (
    Region,
    box_regions,
    grid_regions,
    point_regions,
)
from spatialjax.inference.scene import Scene
from spatialjax.inference.separator import Separator
from spatialjax.inference.streaming import stream_windows
from spatialjax.inference.survey import survey_film
from spatialjax.inference.writer import PieceWriter, allow_open_files, source_files
from spatialjax.media import stream_audio, write_file, write_wav_stream
from spatialjax.typing import HostArray

SCENE = "scene.json"
REMOVED = "removed.wav"

NUM_TAPS = 16
"""Samples of each other source that an adaptive post-filter reads."""

STEP_SIZE = 0.005
"""Of LMS and NLMS; larger ones cost more SDR."""


def separate_film(
    separator: Separator,
    path: str,
    folder: pathlib.Path,
    options: SeparationOptions,
    tell: Callable[[str], None] = lambda text: None,
    advance: Callable[[float], None] = lambda done_s: None,
) -> Scene:
    """Write the sources of a film, its mixture and its scene into a folder.

    The folder gets ``mixture.wav``, ``sources/*.wav`` (32-bit float, the rate of the
    model, the channels of the film) and ``scene.json``. With a reference the mixture is
    without what ``removed.wav`` holds. At the film's own rate the mixture is the sound
    of the film as it is, and ``residual.wav`` all that the sources lack of it.

    Args:
      separator: the trained model.
      path: the film: any file with sound and pictures.
      folder: exists and is empty.
      options: what to separate.
      tell: is given the plan, a line of memory and time.
      advance: is told how many seconds of the film are done.

    Raises:
      UserError: the film, an option or the folder cannot be used.
    """
    options.validate()
    film = open_film(path, separator.task.window_spec)
    if options.reference is not None:
        with stream_audio(options.reference):
            pass  # what cannot be read is told before anything slow
    grid = separator.grid_of(film.image_size)
    regions = _asked_regions(grid, film, options)
    num_sources = options.num_objects or len(regions)
    allow_open_files(num_sources)
    filters = PostFilterSettings(
        options.filter_for(num_sources), num_taps=NUM_TAPS, step_size=STEP_SIZE
    )
    joiner = Joiner(separator.task, num_sources, grid, film.channels, filters)
    plan = make_plan(joiner, separator.variables, film, options.max_memory_gb)
    tell(plan.describe(film, separator.task.window_spec))
    if options.num_objects is not None:
        tell("a first look at the film, to find the objects")
        sound = _open_sound(separator, film, options)
        sounds, energy = survey_film(separator, film, sound)
        regions = object_regions(sounds, energy, options.num_objects)
    scene = _write_sources(separator, film, folder, options, regions, plan, advance)
    if options.keeps_rate:
        rate_hz = write_at_input_rate(film.path, folder, scene.files)
        scene = dataclasses.replace(scene, sample_rate_hz=rate_hz)
    write_file(folder / SCENE, f"{scene.to_json()}\n".encode())
    return scene


def _asked_regions(
    grid: tuple[int, int], film: Film, options: SeparationOptions
) -> list[Region]:
    """The regions that somebody has pointed at; none where objects are to be found."""
    if options.points is not None:
        return point_regions(options.points, grid, film.picture_size)
    if options.boxes is not None:
        return box_regions(options.boxes, grid, film.picture_size)
    return grid_regions(grid) if options.is_grid else []


def _write_sources(
    separator: Separator,
    film: Film,
    folder: pathlib.Path,
    options: SeparationOptions,
    regions: list[Region],
    plan: Plan,
    advance: Callable[[float], None],
) -> Scene:
    """The one pass over the film; all files but those that need a second one."""
    spec = separator.task.window_spec
    files = source_files(regions)
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(PieceWriter(folder, files, spec, film))
        keep: Callable[[HostArray], None] = _drop
        if options.reference is not None:
            most = film.most_samples(spec.sample_rate_hz)
            keep = stack.enter_context(
                write_wav_stream(
                    folder / REMOVED, spec.sample_rate_hz, film.channels, most
                )
            )
        sound = _open_sound(separator, film, options, keep)
        stream = stack.enter_context(
            stream_windows(film, sound, separator, plan.batch_size)
        )
        carry, waiting = plan.first_carry, None
        places = np.stack([region.places for region in regions])
        for batch in stream.batches:
            carry, piece = plan.step(places, carry, batch.windows)
            if waiting is not None:
                writer.add(*waiting)  # while the device computes the next piece
                advance(writer.num_samples / spec.sample_rate_hz)
            waiting = piece, batch
        if waiting is not None:
            writer.add(*waiting)
    return Scene(
        sample_rate_hz=spec.sample_rate_hz,
        channels=film.channels,
        duration_s=writer.num_samples / spec.sample_rate_hz,
        start_s=stream.start_s,
        picture_size=film.picture_size,
        regions=tuple(regions),
        files=files,
        levels_db=writer.levels.finish(),
        map_s=frames_per_map(spec) * spec.hop / spec.sample_rate_hz,
        maps_db=writer.maps(),
        colours=place_colours(np.asarray(carry.sounds)),
    )


def _drop(samples: HostArray) -> None:
    """Keeps nothing."""


def _open_sound(
    separator: Separator,
    film: Film,
    options: SeparationOptions,
    keep: Callable[[HostArray], None] = _drop,
) -> OpenSound:
    """How to open the sound that is separated: the film's, or what is left of it."""
    rate_hz = separator.task.window_spec.sample_rate_hz
    if options.reference is None:
        return functools.partial(stream_audio, film.path, rate_hz)
    return functools.partial(
        cleaned_audio,
        film.path,
        options.reference,
        options.reference_filter,
        rate_hz,
        keep,
    )
