"""Lists of videos to download: ids or addresses, perhaps with times and labels."""

import csv
import json
import math
import os
import pathlib
import re
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass

from spatialjax.errors import DataError
from tfds_builders.raw.splits import SPLIT_FOLDERS

_VIDEO_ID = re.compile(r"[\w-]{11}", re.ASCII)
_LONGEST_NAME = 250
"""Bytes; file systems take 255."""

_HEADERS = {
    **dict.fromkeys(("id", "ytid", "youtube_id", "video_id", "url"), "id"),
    **dict.fromkeys(("start_s", "start", "start_second", "start_seconds"), "start_s"),
    **dict.fromkeys(("end_s", "end", "end_second", "end_seconds"), "end_s"),
    **dict.fromkeys(("label", "class"), "label"),
    "split": "split",
}


@dataclass(frozen=True)
class Video:
    """A video to download, or the part of one.

    Attributes:
      url: its address.
      name: of its file, without suffix.
      label: its class and folder, "" for none.
      split: "train", "val", "test", "" for none; a folder above that of the class.
      start_s: where the part starts, in seconds; None for the whole video.
      end_s: where it ends.
    """

    url: str
    name: str
    label: str = ""
    split: str = ""
    start_s: float | None = None
    end_s: float | None = None

    @property
    def clip_id(self) -> str:
        """The path of its file below the folder of videos, without suffix."""
        return "/".join(filter(None, (self.split, self.label, self.name)))


def read_list(path: pathlib.Path, section_s: float = 10.0) -> list[Video]:
    """The videos of a list, each once.

    * json: ``{"videos": {LABEL: [ID, ...]}}``, as MUSIC has it, or the inner part.
    * csv or text: a video a line, ``ID[,START[,END]][,LABEL[,SPLIT]]`` in seconds, as
      VGGSound has it; or with a header of such names. ``#`` starts a comment.

    An id is that of YouTube, or a full address.

    Args:
      path: the list.
      section_s: length of a part of which only the start is given, in seconds.

    Raises:
      DataError: the list cannot be read, is empty or malformed, or two videos would
        have one name; the text names the row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise DataError(
            f"{path} cannot be read as a list of videos: {reason}"
        ) from error
    if path.suffix.lower() == ".json":
        videos = _read_json(text, path)
    else:
        videos = _read_csv(text, path, section_s)
    names: dict[str, Video] = {}
    for video in videos:
        other = names.setdefault(video.clip_id, video)
        if other != video:
            raise DataError(
                f"{path}: {other.url} and {video.url} would both be called "
                f"{video.clip_id!r}: name one of them"
            )
    if not names:
        raise DataError(f"{path} is empty, expected a video a line: an id, or a URL")
    return list(names.values())


def _read_json(text: str, path: pathlib.Path) -> list[Video]:
    """The videos of a json list.

    Raises:
      DataError: it has another form.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise DataError(f"{path} cannot be read as json: {error}") from error
    if isinstance(content, dict):
        content = content.get("videos", content)
    if not isinstance(content, dict) or not all(
        isinstance(ids, list) and all(isinstance(name, str) for name in ids)
        for ids in content.values()
    ):
        raise DataError(f'{path} has another form than {{"videos": {{LABEL: [ID]}}}}')
    return [
        _video({"id": name, "label": label}, f"{path}, {label!r}", 0.0)
        for label, ids in content.items()
        for name in ids
    ]


def _read_csv(text: str, path: pathlib.Path, section_s: float) -> list[Video]:
    """The videos of a csv or text list.

    Raises:
      DataError: a row is malformed.
    """
    columns: list[str] | None = None
    videos: list[Video] = []
    try:
        rows = list(csv.reader(text.splitlines(), skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as csv: {error}") from error
    for number, row in enumerate(rows, 1):
        place = f"{path} row {number}"
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        header = [_HEADERS.get(cell.lstrip("# ").lower(), "") for cell in cells]
        if not videos and "id" in header:
            columns = header
        elif not cells[0].startswith("#"):
            fields = _by_header(cells, columns, place) if columns else _by_kind(cells)
            videos.append(_video(fields, place, section_s))
    return videos


def _by_header(
    cells: Sequence[str], columns: Sequence[str], place: str
) -> dict[str, str]:
    """The cells of a row below a header, by the names of `Video`.

    Raises:
      DataError: there are more or fewer than in the header.
    """
    if len(cells) != len(columns):
        raise DataError(
            f"{place} has {len(cells)} instead of {len(columns)} cells, as the header "
            "has; a cell with a comma stands in quotes"
        )
    return dict(zip(columns, cells, strict=True))


def _by_kind(cells: Sequence[str]) -> dict[str, str]:
    """The cells of a row without header: times are numbers, what follows is text."""
    num_times = 0
    while num_times < 2 and _seconds([*cells, ""][num_times + 1]) is not None:
        num_times += 1
    times = dict(zip(("start_s", "end_s"), cells[1 : 1 + num_times], strict=False))
    texts = dict(zip(("label", "split", "rest"), cells[1 + num_times :], strict=False))
    return {"id": cells[0], **times, **texts}


def _video(fields: dict[str, str], place: str, section_s: float) -> Video:
    """A video of the cells of a row; `place` names it in errors.

    Raises:
      DataError: a cell is wrong.
    """
    if fields.get("rest"):
        raise DataError(
            f"{place} has too many cells, expected ID[,START[,END]][,LABEL[,SPLIT]]; a "
            "label with a comma stands in quotes"
        )
    label, split = fields.get("label", ""), fields.get("split", "")
    if label.startswith(".") or re.search(r"[/\\\x00-\x1f]", label):
        raise DataError(f"{place}: the label {label!r} cannot be the name of a folder")
    if split.lower() not in ("", *SPLIT_FOLDERS):
        raise DataError(f"{place}: the split is {split!r}, expected train, val or test")
    url, name = _address(fields["id"], place)
    start_s, end_s = _section(fields, place, section_s)
    if start_s is not None:
        whole = float(start_s).is_integer()
        name += f"_{start_s:06.0f}" if whole else f"_{1000 * start_s:09.0f}"
    split = SPLIT_FOLDERS.get(split.lower(), "")
    video = Video(url, name, label, split, start_s, end_s)
    _check_length(video, place)
    return video


def _section(
    fields: dict[str, str], place: str, section_s: float
) -> tuple[float | None, float | None]:
    """Start and end of a part in seconds, None for a whole video.

    Raises:
      DataError: a time is no number, or the end is not behind the start.
    """
    times = []
    for name in ("start_s", "end_s"):
        text = fields.get(name, "")
        times.append(_seconds(text))
        if text and times[-1] is None:
            raise DataError(f"{place}: {name} is {text!r}, expected seconds")
    start_s, end_s = times
    if end_s is not None:
        start_s = start_s or 0.0
    elif start_s is not None:
        end_s = start_s + section_s
    if start_s is not None and end_s is not None and start_s >= end_s:
        raise DataError(f"{place} ends at {end_s:g} s, before its start {start_s:g} s")
    return start_s, end_s


def _seconds(text: str) -> float | None:
    """A time, None where the text is none."""
    try:
        time_s = float(text)
    except ValueError:
        return None
    return time_s if 0 <= time_s < math.inf else None


def _address(text: str, place: str) -> tuple[str, str]:
    """The URL of a video, and its name.

    Raises:
      DataError: it is neither an id nor a URL.
    """
    if _VIDEO_ID.fullmatch(text):
        return f"https://www.youtube.com/watch?v={text}", text
    try:
        parts = urllib.parse.urlsplit(text)
    except ValueError:  # such as "http://[x/a.mp4"
        parts = urllib.parse.urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise DataError(
            f"{place}: {text!r} is neither an id of YouTube (11 letters, digits, - and "
            "_) nor a URL"
        )
    shown = urllib.parse.parse_qs(parts.query).get("v", [""])[0]
    last = pathlib.PurePosixPath(urllib.parse.unquote(parts.path)).stem
    name = re.sub(r"[^\w.-]+", "_", shown or last).lstrip(".")
    return text, name or parts.netloc


def _check_length(video: Video, place: str) -> None:
    """Raise DataError where a file system would refuse the name of a file."""
    for name in (video.label, f"{video.name}.webm.part"):
        if len(os.fsencode(name)) > _LONGEST_NAME:
            raise DataError(
                f"{place}: {name[:40]!r}... is too long for the name of a file"
            )
