"""Raw videos as clips in the published layout, killed and resumed at will."""

import dataclasses
import functools
import json
import os
import pathlib
from collections.abc import Sequence

from tqdm import tqdm

from spatialjax.errors import DataError
from tfds_builders.loading import BrokenClip
from tfds_builders.raw.extract import Settings, extract
from tfds_builders.raw.pool import num_cores, run_jobs, worker_pool
from tfds_builders.raw.sources import find_clips
from tfds_builders.workplace import put_json, workplace

SETTINGS_FILE = "preprocess.json"
WORKPLACE = ".preprocessing"


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
    if not 0 <= max_missing <= 1:
        raise DataError(f"max_missing is {max_missing}, expected 0 to 1")
    num_workers = num_cores() if num_workers is None else num_workers
    clips = find_clips(source, output)
    check_settings(output, settings)
    with workplace(output, WORKPLACE) as place:
        put_json(place, output / SETTINGS_FILE, dataclasses.asdict(settings))
        jobs = [clip for clip in clips if not clip.is_whole]
        num_there = len(clips) - len(jobs)
        broken: list[BrokenClip] = []
        bar = tqdm(desc="preprocess", total=len(clips), initial=num_there, unit="clip")
        try:
            with bar, worker_pool(num_workers, place) as pool:
                work = functools.partial(extract, settings=settings, workplace=place)
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


def check_settings(output: pathlib.Path, settings: Settings) -> None:
    """Refuse a folder whose clips were made otherwise, or nobody knows how.

    Raises:
      DataError: as the text tells.
    """
    path = output / SETTINGS_FILE
    wanted = dataclasses.asdict(settings)
    if not path.is_file():
        if any((output / part).exists() for part in ("audio", "frames")):
            raise DataError(
                f"{output} holds audio or frames, but no {SETTINGS_FILE} that tells "
                "how they were made: name a new folder"
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
