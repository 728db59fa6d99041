"""Raw videos as clips in the published layout, killed and resumed at will."""

import dataclasses
import functools
import json
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from tqdm import tqdm

from spatialjax.errors import DataError
from tfds_builders.loading import BrokenClip
from tfds_builders.raw.extract import Settings, extract
from tfds_builders.raw.pool import num_cores, run_jobs, worker_pool
from tfds_builders.raw.sources import find_clips
from tfds_builders.workplace import put_json, workplace

SETTINGS_FILE = "preprocess.json"
WORKPLACE = ".preprocessing"


class Making(Protocol):
    """A clip to be made of a video."""

    @property
    def clip_id(self) -> str: ...

    @property
    def source(self) -> pathlib.Path:
        """The file to look at if the clip cannot be made."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether it is there already."""
        ...


Clip = TypeVar("Clip", bound=Making)


@dataclasses.dataclass(frozen=True)
class Preprocessed:
    """What a run did: clips made, clips that were there, and those it cannot use."""

    num_made: int
    num_there: int
    broken: list[BrokenClip]


def preprocess(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    settings: Settings | None = None,
    num_workers: int | None = None,
    max_missing: float = 0.01,
) -> Preprocessed:
    """Extract the sound and the pictures of all videos below a folder.

    ``SOURCE/CLASS/NAME.ext`` becomes ``OUTPUT/audio/CLASS/NAME.wav`` and
    ``OUTPUT/frames/CLASS/NAME.mp4/000001.jpg``, .... A clip appears whole or not at
    all, and one that is there is kept, so that a run which was killed goes on where it
    was and ends with the same bytes. ``OUTPUT/missing.json`` lists what is broken,
    after all others have been made.

    Args:
      source: folder of videos.
      output: folder of clips.
      settings: rates and sizes.
      num_workers: processes; 0 works in this one, None takes one for each core.
      max_missing: greatest fraction of videos that may be broken.

    Raises:
      ConfigError, DataError: a setting is out of range or not that of the clips which
        are there, the source has no videos or two of one name, or, when all is done,
        too many are broken.
      MediaError, OSError: no room, no permission, or a file in the way.
    """
    source, output = pathlib.Path(source), pathlib.Path(output)
    settings = settings or Settings()
    settings.validate()
    return make_clips(
        extract,
        find_clips(source, output),
        output,
        settings,
        traces=("audio", "frames"),
        num_workers=num_workers,
        max_missing=max_missing,
    )


def make_clips(
    make: Callable[..., str | None],
    clips: Sequence[Clip],
    output: pathlib.Path,
    settings: Any,
    *,
    traces: Sequence[str],
    num_workers: int | None,
    max_missing: float,
) -> Preprocessed:
    """Make all clips that are not there, and list those that cannot be made.

    Args:
      make: called with a clip, `settings` and a folder `workplace` beside its place;
        gives None, or why the source cannot be used.
      clips: all clips.
      output: folder of clips; it gets the settings and ``missing.json``.
      settings: a dataclass of plain values.
      traces: patterns of what clips leave in `output`.
      num_workers: processes; 0 works in this one, None takes one for each core.
      max_missing: greatest fraction of clips that may be broken.

    Raises:
      DataError, MediaError, OSError: as `preprocess`.
    """
    if not 0 <= max_missing <= 1:
        raise DataError(f"max_missing is {max_missing}, expected 0 to 1")
    num_workers = num_cores() if num_workers is None else num_workers
    check_settings(output, settings, traces)
    with workplace(output, WORKPLACE) as place:
        put_json(place, output / SETTINGS_FILE, dataclasses.asdict(settings))
        jobs = [clip for clip in clips if not clip.is_whole]
        num_there = len(clips) - len(jobs)
        broken: list[BrokenClip] = []
        bar = tqdm(desc="preprocess", total=len(clips), initial=num_there, unit="clip")
        try:
            with bar, worker_pool(num_workers, place) as pool:
                work = functools.partial(make, settings=settings, workplace=place)
                for clip, reason in run_jobs(work, jobs, pool, 2 * num_workers):
                    bar.update()
                    if reason is not None:
                        broken.append(
                            BrokenClip(clip.clip_id, reason, str(clip.source))
                        )
        finally:
            broken.sort(key=lambda clip: clip.path)
            missing = [dataclasses.asdict(clip) for clip in broken]
            put_json(place, output / "missing.json", missing)
    if len(broken) > max_missing * len(clips):
        raise DataError(_too_many(broken, len(clips), max_missing, output))
    return Preprocessed(len(jobs) - len(broken), num_there, broken)


def _too_many(
    broken: Sequence[BrokenClip],
    num_clips: int,
    max_missing: float,
    output: pathlib.Path,
) -> str:
    """What to tell of broken videos."""
    return (
        f"{len(broken)} of {num_clips} videos are broken, more than max_missing = "
        f"{max_missing:g} allows, such as {broken[0].clip_id!r}: {broken[0].reason}. "
        f"The others are done; see {output}/missing.json, and mend or remove these, or "
        "raise max_missing"
    )


def check_settings(output: pathlib.Path, settings: Any, traces: Sequence[str]) -> None:
    """Refuse a folder whose clips were made otherwise, or nobody knows how.

    Clips are there if something in the folder fits one of the patterns `traces`.

    Raises:
      DataError: as the text tells.
    """
    path = output / SETTINGS_FILE
    wanted = json.loads(json.dumps(dataclasses.asdict(settings)))
    if not path.is_file():
        if any(next(output.glob(trace), None) for trace in traces):
            raise DataError(
                f"{output} holds {' or '.join(traces)}, but no {SETTINGS_FILE} that "
                "tells how they were made: name a new folder"
            )
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        others = [name for name in wanted if found[name] != wanted[name]]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is damaged ({error!r}): name a new folder as output"
        ) from error
    if others:
        made = ", ".join(f"{name}={found[name]}" for name in others)
        asked = ", ".join(f"{name}={wanted[name]}" for name in others)
        raise DataError(
            f"the clips in {output} were made with {made}, asked for {asked}: give "
            "the same settings, or name a new folder"
        )
