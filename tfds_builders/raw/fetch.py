"""One video fetched by yt-dlp, again and again where that may help."""

import dataclasses
import math
import pathlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from spatialjax.errors import ConfigError, MediaError
from spatialjax.media import cannot_write, probe, room_advice
from tfds_builders.raw.id_lists import Video
from tfds_builders.raw.remux import Address, NotInFileError, remux
from tfds_builders.raw.sources import RAW_SUFFIXES
from tfds_builders.raw.splits import draw

_GONE = (401, 404, 410, 451)
"""HTTP statuses that will not change."""

_FOR_DEVELOPERS = re.compile(
    r" \(caused by |[;.] please report this issue|\. Use --", re.IGNORECASE
)
"""Where the text of an error of yt-dlp begins to be about its options and its code."""

_UNDER_WAY = (".part", ".ytdl")
_REFUSED_FOR_NOW = re.compile(
    r"not a bot|rate.?limit|too many requests|try again later|\btemporar", re.IGNORECASE
)
"""What sites say of a video that is there, to somebody who asks too often."""


@dataclasses.dataclass(frozen=True)
class Manner:
    """What is fetched, and how patiently.

    Attributes:
      max_height: greatest height of the pictures, where there is a choice.
      num_retries: further attempts after one that failed and may succeed later.
      first_wait_s: mean time before the second attempt; it doubles from one to the
        next, and each is drawn from 50 % to 150 %.
      longest_wait_s: greatest mean time between attempts.
      timeout_s: longest wait for an answer.
      seed: draws the waits.
    """

    max_height: int = 360
    num_retries: int = 5
    first_wait_s: float = 2.0
    longest_wait_s: float = 120.0
    timeout_s: float = 20.0
    seed: int = 0

    def validate(self) -> None:
        """Check the ranges.

        Raises:
          ConfigError: a value is negative, or zero where that means nothing.
        """
        for name, value in dataclasses.asdict(self).items():
            least = 1 if name in ("max_height", "timeout_s") else 0
            if name != "seed" and not least <= value < math.inf:
                raise ConfigError(f"{name} is {value}, expected {least} or more")

    def wait_s(self, name: str, attempt: int) -> float:
        """Time to wait before an attempt, counted from 1, at a video, in seconds."""
        mean_s = min(
            self.longest_wait_s, self.first_wait_s * 2.0 ** min(attempt - 1, 60)
        )
        drawn = int.from_bytes(draw(self.seed, f"{name}:{attempt}")[:4], "big")
        return mean_s * (0.5 + drawn / 2**32)


@dataclasses.dataclass(frozen=True)
class Missing:
    """A video that was not fetched: an entry of ``missing.json``."""

    id: str
    url: str
    reason: str
    gone: bool
    """Nobody has to ask again: the site says that it is not there, or not for us."""


class _GoneError(Exception):
    """The site has no such video."""


class _FailedError(Exception):
    """Perhaps it works the next time."""


def fetch(
    video: Video,
    manner: Manner,
    output: pathlib.Path,
    workplace: pathlib.Path,
    wait: Callable[[float], None],
) -> Missing | None:
    """None when a video is in its place below `output`, else why it is not.

    It appears whole or not at all. What an attempt has fetched of it, the next one
    need not fetch again.

    Args:
      video: what to fetch.
      manner: how.
      output: folder of videos; this one gets the path `video.clip_id` and a suffix.
      workplace: folder on the same file system, for what is under way.
      wait: called with the seconds between two attempts.

    Raises:
      MediaError: there is no room for it, or its place cannot be written.
    """
    reason = ""
    with tempfile.TemporaryDirectory(dir=workplace) as place:
        for attempt in range(manner.num_retries + 1):
            if attempt:
                wait(manner.wait_s(video.clip_id, attempt))
            try:
                _put(_fetch(video, manner, pathlib.Path(place)), video, output)
            except _GoneError as error:
                return Missing(video.clip_id, video.url, str(error), True)
            except _FailedError as error:
                reason = str(error)
                if advice := room_advice(error):
                    raise MediaError(
                        f"{output / video.clip_id} cannot be written: {reason}{advice}"
                    ) from error
            else:
                return None
    return Missing(video.clip_id, video.url, reason, False)


def _put(made: pathlib.Path, video: Video, output: pathlib.Path) -> None:
    """Move a video to its place.

    Raises:
      MediaError: that cannot be written.
    """
    place = output / f"{video.clip_id}{made.suffix}"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        made.replace(place)
    except OSError as error:
        raise cannot_write(place, error) from error


def _fetch(video: Video, manner: Manner, place: pathlib.Path) -> pathlib.Path:
    """The file of a video in a folder that keeps what earlier attempts fetched.

    Raises:
      _GoneError, _FailedError: as they say.
    """
    parts = place / "parts"
    try:
        if video.start_s is not None and video.end_s is not None:
            made = place / "made.mkv"
            addresses = _addresses(_ask(video, manner, None))
            remux(addresses, made, video.start_s, video.end_s, manner.timeout_s)
            return made
        _ask(video, manner, parts)
        return _join(parts, place / "made.mkv")
    except NotInFileError as error:
        raise _GoneError(str(error)) from error
    except MediaError as error:
        if parts.exists():
            shutil.rmtree(parts)  # to resume what is broken would not mend it
        reason = re.sub(rf"{re.escape(str(parts))}[^ ,]+", "its file", str(error))
        raise _FailedError(reason) from error


def _join(parts: pathlib.Path, joined: pathlib.Path) -> pathlib.Path:
    """The one video in a folder, or what its two files with a stream each give.

    Raises:
      _GoneError, MediaError: there is none, or it cannot be read.
    """
    files = sorted(path for path in parts.glob("*") if path.suffix not in _UNDER_WAY)
    if not files:
        raise _GoneError("there is no video, or a list of several, at this address")
    infos = [probe(path) for path in files]
    for name, kind in (("audio", "sound"), ("video", "picture")):
        if not any(getattr(info, name) for info in infos):
            raise _GoneError(f"it has no {kind} stream")
    if len(files) == 1 and files[0].suffix in RAW_SUFFIXES:
        return files[0]
    remux([Address(str(path)) for path in files], joined)
    return joined


def _addresses(info: dict[str, Any]) -> list[Address]:
    """Where the streams of a video are.

    Raises:
      _GoneError: there is none.
    """
    if "entries" in info or not (info.get("url") or info.get("requested_formats")):
        raise _GoneError("there is no video, or a list of several, at this address")
    return [
        Address(part["url"], part.get("http_headers"))
        for part in info.get("requested_formats") or [info]
    ]


def _ask(video: Video, manner: Manner, folder: pathlib.Path | None) -> dict[str, Any]:
    """What yt-dlp knows of a video; its files are fetched into a folder, if given.

    Raises:
      _GoneError, _FailedError: as they say.
    """
    import yt_dlp

    # Two streams are fetched as two files: to merge them, yt-dlp would need ffmpeg.
    small = f"[height<=?{manner.max_height}]"
    two = "(bv*{0},ba)" if folder else "bv*{0}+ba"
    choices = (f"b{small}", two.format(small), "b", two.format(""))
    options = {
        "format": "/".join(choices),
        "outtmpl": "%(format_id)s.%(ext)s",
        "restrictfilenames": True,
        "noplaylist": True,
        "playlist_items": "0",
        "logger": _Quiet(),
        "noprogress": True,
        "color": "no_color",
        "cachedir": False,
        "updatetime": False,
        "fixup": "never",
        "socket_timeout": manner.timeout_s,
        "retries": 0,  # they are counted here
        "extractor_retries": 0,
        "fragment_retries": manner.num_retries,
        "skip_unavailable_fragments": False,
    }
    try:
        with yt_dlp.YoutubeDL(options) as asker:
            if folder:  # not in the template or in `paths`, where $NAME is expanded
                asker.get_output_path = lambda _="", name="": str(folder / (name or ""))
            info = asker.extract_info(video.url, download=folder is not None)
            return info or {}
    # A site that has changed shows itself by any of these within its extractor.
    except (
        *(yt_dlp.utils.YoutubeDLError, AssertionError, AttributeError, LookupError),
        *(TypeError, ValueError),
    ) as error:
        reason = re.sub(r"^ERROR: (\[[^]]*\] (\S+: )?)?", "", str(error))
        reason = _FOR_DEVELOPERS.split(reason)[0]
        kind = _GoneError if _is_gone(error) else _FailedError
        raise kind(" ".join(reason.split()) or repr(error)) from error


class _Quiet:
    """What yt-dlp tells; errors are raised too."""

    def debug(self, text: str) -> None:
        """Drop it."""

    warning = error = info = debug


def _is_gone(error: BaseException) -> bool:
    """Whether an error of yt-dlp says that a video is not there, now and later."""
    from yt_dlp.networking.exceptions import HTTPError, TransportError
    from yt_dlp.utils import ExtractorError

    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, HTTPError):
            return cause.status in _GONE
    if any(isinstance(cause, TransportError) for cause in causes):
        return False
    return any(
        isinstance(cause, ExtractorError)
        and cause.expected
        and not _REFUSED_FOR_NOW.search(str(cause))
        for cause in causes
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those that led to it, also as yt-dlp notes them."""
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            noted = getattr(cause, "exc_info", None) or (None, None)
            waiting += [cause.__cause__, getattr(cause, "cause", None), noted[1]]
