"""Videos of a list of ids, fetched with patience and never twice."""

import dataclasses
import functools
import importlib.util
import json
import os
import pathlib
import time
from collections.abc import Callable, Iterable, Sequence

from tqdm import tqdm

from spatialjax.errors import ConfigError, DataError, check_positive
from tfds_builders.raw.fetch import Manner, Missing, fetch
from tfds_builders.raw.id_lists import Video, read_list
from tfds_builders.raw.pool import run_jobs, worker_pool
from tfds_builders.raw.sources import RAW_SUFFIXES, files_below
from tfds_builders.workplace import put_json, workplace

REPORT = "missing.json"
WORKPLACE = ".downloading"
MOST_FAILURES_IN_A_ROW = 10
"""After so many, the network is down or the site wants to be left alone."""


@dataclasses.dataclass(frozen=True)
class Downloaded:
    """What a run did: videos fetched, videos that were there, and those gone."""

    num_fetched: int
    num_there: int
    gone: list[Missing]


def download(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    manner: Manner | None = None,
    section_s: float = 10.0,
    num_workers: int = 2,
    wait: Callable[[float], None] = time.sleep,
) -> Downloaded:
    """Fetch the videos of a list (`read_list`) that are not there yet.

    They become ``OUTPUT/[SPLIT/][LABEL/]NAME.ext``, each whole or not at all.
    ``OUTPUT/missing.json`` lists those that were not fetched, and why; the ones that
    are gone are not asked for again.

    Args:
      source: the list, a json, csv or text file.
      output: folder of videos.
      manner: what is fetched, and how patiently.
      section_s: length of a part of which only the start is given, in seconds.
      num_workers: processes; 0 works in this one.
      wait: called with the seconds that a busy site is given before the next attempt.

    Raises:
      ConfigError: a value is out of range, or yt-dlp is not installed.
      DataError: the list is wrong, or a video that exists could not be fetched.
      MediaError, OSError: no room, no permission, or a file in the way.
    """
    source, output = pathlib.Path(source), pathlib.Path(output)
    manner = manner or Manner()
    manner.validate()
    check_positive("section_s", section_s)
    if importlib.util.find_spec("yt_dlp") is None:
        raise ConfigError(
            'yt-dlp, which fetches, is not installed: pip install -e ".[download]"'
        )
    videos = read_list(source, section_s)
    with workplace(output, WORKPLACE) as place:
        found = files_below(output, RAW_SUFFIXES)
        there = {path.relative_to(output).with_suffix("").as_posix() for path in found}
        report = _read_report(output / REPORT)
        missing = {name: entry for name, entry in report.items() if name not in there}
        gone = {name for name, entry in missing.items() if entry.gone}
        jobs = [video for video in videos if video.clip_id not in there | gone]
        num_done = len(videos) - len(jobs)
        bar = tqdm(desc="download", total=len(videos), initial=num_done, unit="video")
        work = functools.partial(
            fetch, manner=manner, output=output, workplace=place, wait=wait
        )
        try:
            with bar, worker_pool(num_workers, place) as pool:
                _collect(run_jobs(work, jobs, pool, num_workers), missing, bar)
        finally:
            listed = [dataclasses.asdict(missing[name]) for name in sorted(missing)]
            put_json(place, output / REPORT, listed)
    ours = [missing[v.clip_id] for v in videos if v.clip_id in missing]
    _check_fetched(ours, len(videos), output)
    num_there = sum(video.clip_id in there for video in videos)
    return Downloaded(len(videos) - num_there - len(ours), num_there, ours)


def _check_fetched(
    missing: Sequence[Missing], num_videos: int, output: pathlib.Path
) -> None:
    """Raise DataError where a video is missing that is not gone."""
    failed = [entry for entry in missing if not entry.gone]
    if failed:
        raise DataError(
            f"{len(failed)} of {num_videos} videos could not be fetched, such as "
            f"{failed[0].id!r}: {failed[0].reason}. The others are done; run again, "
            f"and see {output / REPORT}"
        )


def _collect(
    results: Iterable[tuple[Video, Missing | None]],
    missing: dict[str, Missing],
    bar: tqdm,
) -> None:
    """Note which videos are missing, while they are fetched.

    Raises:
      DataError: too many fail, one after the other.
    """
    in_a_row = 0
    for video, result in results:
        bar.update()
        missing.pop(video.clip_id, None)
        if result is not None:
            missing[video.clip_id] = result
        in_a_row = in_a_row + 1 if result is not None and not result.gone else 0
        if result is not None and in_a_row == MOST_FAILURES_IN_A_ROW:
            raise DataError(
                f"the last {in_a_row} videos could not be fetched, such as "
                f"{result.id!r}: {result.reason}. See that there is a network and that "
                "the site still answers, and run again"
            )


def _read_report(path: pathlib.Path) -> dict[str, Missing]:
    """What earlier runs did not fetch, by the names of the videos.

    Raises:
      DataError: the report is damaged.
    """
    if not path.exists():
        return {}
    try:
        entries = [Missing(**entry) for entry in json.loads(path.read_text("utf-8"))]
        if not all(isinstance(entry.id, str) for entry in entries):
            raise TypeError
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path} is not the report of an earlier download: name another folder, or "
            "remove it, and what is gone will be asked for again"
        ) from error
    return {entry.id: entry for entry in entries}
