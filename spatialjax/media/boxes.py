"""The boxes of mp4 and mov files: read, changed, and written with all offsets right.

ISO/IEC 14496-12 for mp4, and Apple's QuickTime File Format for mov.
"""

import contextlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

import numpy as np

from spatialjax.errors import MediaError
from spatialjax.media.container import FilePath, reason
from spatialjax.media.new_file import replaced_file

LARGEST_OFFSET = 2**32 - 1
"""The last byte that a 32-bit table of offsets can name."""

# What a file may begin with: FFmpeg and cameras begin old movies with any of these.
_FIRST = b"ftyp moov mdat wide free skip pnot uuid styp".split()
_NUM_FIELDS = {
    **dict.fromkeys(b"moov trak mdia minf stbl dinf wave sv3d proj".split(), 0),
    **dict.fromkeys(b"stsd dref".split(), 8),
}
"""The boxes that hold boxes, and the bytes of the fields before the first of them."""

_LENIENT = b"wave sv3d proj".split()
_PICTURE_FIELDS = 78
_SOUND_FIELDS = {0: 28, 1: 44, 2: 64}
"""Bytes of the fields of a sound sample entry, by its QuickTime version."""

_STBL = (b"trak", b"mdia", b"minf", b"stbl")
_PIECE = 2**22


@dataclass
class Box:
    """A box: its type, its fields, the boxes inside, and a rest that is no box.

    Attributes:
      kind: the four bytes of its type.
      fields: what stands before the first box inside; of a leaf, all of it.
      children: the boxes inside.
      tail: bytes behind the last of them, as the zeros that QuickTime ends a list with.
    """

    kind: bytes
    fields: bytes = b""
    children: list["Box"] = field(default_factory=list)
    tail: bytes = b""

    def __bytes__(self) -> bytes:
        body = b"".join((self.fields, *map(bytes, self.children), self.tail))
        return struct.pack(">I4s", len(body) + 8, self.kind) + body

    def find(self, *kinds: bytes) -> Iterator["Box"]:
        """Each box at the end of a path of types, as ``find(b"mdia", b"minf")``."""
        for child in self.children:
            if child.kind == kinds[0]:
                yield from child.find(*kinds[1:]) if kinds[1:] else (child,)


class _Span(NamedTuple):
    """Where a box of the file itself lies, in bytes."""

    kind: bytes
    start: int
    size: int


def holds_boxes(path: FilePath) -> bool:
    """Whether a file begins as an mp4 or mov file does.

    Raises:
      MediaError: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read(8)[4:] in _FIRST
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {reason(error)}") from error


def read_movie(path: FilePath) -> Box:
    """The `moov` box of an mp4 or mov file, open down to its sample entries.

    Raises:
      MediaError: the file cannot be read, is no such file, is cut off or damaged.
    """
    with _opened(path) as (file, spans):
        return _parse_movie(file, _movie_span(spans, path), path)


def rewrite_movie(
    source: FilePath,
    target: FilePath,
    edit: Callable[[Box], None],
    movie_first: bool = False,
) -> None:
    """Write a file with a changed `moov` box, whole or not at all.

    Sizes are those of the new content, and chunk offsets (`stco`, `co64`) follow the
    bytes that they point to. All else is copied piece by piece.

    Args:
      source: an mp4 or mov file.
      target: the new file, which may be `source`.
      edit: changes the box in place.
      movie_first: put it before the media, so that a player on the web can start at
        once.

    Raises:
      MediaError: `source` cannot be read, is damaged, or keeps positions that cannot be
        moved: fragments, `saio` and `iloc` tables, media in other files; or `target`
        cannot be written.
    """
    with _opened(source) as (file, spans):
        span = _movie_span(spans, source)
        movie = _parse_movie(file, span, source)
        _check_movable(file, spans, movie, source)
        edit(movie)
        order = [other for other in spans if other != span]
        first = sum(other.kind == b"ftyp" for other in order[:1])
        order.insert(first if movie_first else spans.index(span), span)
        _move_chunks(movie, span, order, source)
        with replaced_file(target) as part, open(part, "wb") as out:
            for other in order:
                if other == span:
                    out.write(bytes(movie))
                else:
                    _copy(file, other, out)


@contextlib.contextmanager
def _opened(path: FilePath) -> Iterator[tuple[BinaryIO, list[_Span]]]:
    try:
        with open(path, "rb") as file:
            yield file, list(_spans(file, path))
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {reason(error)}") from error


def _spans(file: BinaryIO, path: FilePath) -> Iterator[_Span]:
    """The boxes of the file itself, in order."""
    start, end = 0, file.seek(0, 2)
    while start < end:
        file.seek(start)
        head = file.read(16)
        size, kind, least = int.from_bytes(head[:4]), head[4:8], 8
        if start == 0 and kind not in _FIRST:
            raise MediaError(f"{path} is no mp4 or mov file")
        if size == 1:
            size, least = int.from_bytes(head[8:]), 16
        if size == 0 or not head.strip(b"\0"):  # the last box, or padding
            size, least = end - start, 0
        if size < least or start + size > end:
            raise MediaError(
                f"{path} is cut off or damaged: its box {_name(kind)} of {size} bytes "
                f"begins at byte {start} of {end}"
            )
        yield _Span(kind, start, size)
        start += size


def _movie_span(spans: list[_Span], path: FilePath) -> _Span:
    movies = [span for span in spans if span.kind == b"moov"]
    if len(movies) != 1:
        raise MediaError(f"{path} holds {len(movies)} 'moov' boxes, expected one")
    return movies[0]


def _parse_movie(file: BinaryIO, span: _Span, path: FilePath) -> Box:
    file.seek(span.start)
    content = file.read(span.size)
    head = 16 if content[:4] == b"\0\0\0\1" else 8
    movie = _parse(b"moov", content[head:], path)
    if not any(movie.find(b"trak")):
        raise MediaError(f"{path} holds no track, or a header that is compressed")
    return movie


def _parse(kind: bytes, content: bytes, path: FilePath) -> Box:
    """A box with those inside it, by the types that are known to hold boxes."""
    if kind not in _NUM_FIELDS:
        return Box(kind, content)
    num = _NUM_FIELDS[kind]
    parts, tail = _split(content[num:])
    if tail.strip(b"\0") and kind not in _LENIENT:
        raise MediaError(
            f"{path} is damaged: its box {_name(kind)} ends inside another"
        )
    box = Box(kind, content[:num], [_parse(*part, path) for part in parts], tail)
    if kind == b"mdia":
        handler = b"".join(hdlr.fields[8:12] for hdlr in box.find(b"hdlr"))
        for stsd in box.find(b"minf", b"stbl", b"stsd"):
            stsd.children = [
                _parse_entry(entry, handler, stsd.fields[0], path)
                for entry in stsd.children
            ]
    return box


def _parse_entry(entry: Box, handler: bytes, version: int, path: FilePath) -> Box:
    """A sample entry with the boxes inside it; `version` is that of its list.

    Only in a list of version 0 the version of a sound entry is that of QuickTime, which
    makes it longer (ISO/IEC 14496-12, 12.2.3; QuickTime File Format, "Sound Sample
    Descriptions").
    """
    if handler == b"vide":
        num = _PICTURE_FIELDS
    elif handler == b"soun":
        stated = int.from_bytes(entry.fields[8:10])
        num = _SOUND_FIELDS.get(0 if version else stated, _SOUND_FIELDS[0])
    else:
        return entry
    parts, tail = _split(entry.fields[num:])
    children = [_parse(*part, path) for part in parts]
    return Box(entry.kind, entry.fields[:num], children, tail)


def _split(content: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Type and content of each box in a row, and the bytes behind the last one."""
    parts, start = [], 0
    while start + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, start)
        head = 8
        if size == 1:
            size, head = int.from_bytes(content[start + 8 : start + 16]), 16
        if not head <= size <= len(content) - start:
            break
        parts.append((kind, content[start + head : start + size]))
        start += size
    return parts, content[start:]


def _check_movable(
    file: BinaryIO, spans: list[_Span], movie: Box, path: FilePath
) -> None:
    """Raise MediaError where positions stand elsewhere than in `stco` and `co64`."""
    kinds = {span.kind for span in spans} | {box.kind for box in movie.children}
    if fragments := kinds & {b"moof", b"mvex", b"sidx", b"mfra"}:
        raise MediaError(
            f"{path} is cut into fragments ({_name(min(fragments))}), which cannot be "
            "changed; save it as a plain mp4 first"
        )
    metas = [box.fields for box in movie.find(b"meta")]
    for span in spans:
        if span.kind == b"meta":
            file.seek(span.start + 8)
            metas.append(file.read(span.size - 8))
    inside = {kind for meta in metas for kind, _ in _split(meta[4:])[0]}
    inside |= {box.kind for stbl in movie.find(*_STBL) for box in stbl.children}
    if tables := inside & {b"iloc", b"saio"}:
        raise MediaError(
            f"{path} keeps positions in {_name(min(tables))}, which cannot be changed"
        )
    for dref in movie.find(b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        if not all(int.from_bytes(entry.fields[:4]) & 1 for entry in dref.children):
            raise MediaError(f"{path} keeps its sound or pictures in other files")


def _move_chunks(movie: Box, span: _Span, order: list[_Span], path: FilePath) -> None:
    """Set the chunk offsets to where their bytes will lie in the new order.

    `span` is where `movie` lay.
    """
    boxes = (box for stbl in movie.find(*_STBL) for box in stbl.children)
    tables = [box for box in boxes if box.kind in (b"stco", b"co64")]
    offsets = [_read_offsets(table, path) for table in tables]
    end = sum(other.size for other in order)
    if end - span.size + len(bytes(movie)) > LARGEST_OFFSET:
        for table, values in zip(tables, offsets, strict=True):
            # Of its final size, which the places below depend on.
            table.kind, table.fields = b"co64", table.fields[:8] + values.tobytes()
    sizes = [len(bytes(movie)) if other == span else other.size for other in order]
    starts = dict(zip(order, np.cumsum([0, *sizes[:-1]]), strict=True))
    spans = sorted(order, key=lambda other: other.start)
    begins = np.array([other.start for other in spans])
    shifts = np.array([starts[other] - other.start for other in spans])
    for table, values in zip(tables, offsets, strict=True):
        index = np.searchsorted(begins, values, "right") - 1
        if np.any(index == spans.index(span)) or np.any(values > end):
            raise MediaError(
                f"{path} is damaged: it seeks sound or pictures where there are none"
            )
        kind = ">u4" if table.kind == b"stco" else ">u8"
        moved = (values + shifts[index]).astype(kind).tobytes()
        table.fields = table.fields[:8] + moved


def _read_offsets(table: Box, path: FilePath) -> np.ndarray:
    """The offsets of a table, int64, from its count on."""
    kind, width = (">u4", 4) if table.kind == b"stco" else (">u8", 8)
    count = int.from_bytes(table.fields[4:8])
    if len(table.fields) < 8 + width * count:
        raise MediaError(f"{path} is damaged: its box {_name(table.kind)} is too short")
    return np.frombuffer(table.fields, kind, count, 8).astype(np.int64)


def _copy(file: BinaryIO, span: _Span, out: BinaryIO) -> None:
    file.seek(span.start)
    left = span.size
    while left:
        piece = file.read(min(left, _PIECE))
        if not piece:
            raise MediaError("the file became shorter while it was copied")
        out.write(piece)
        left -= len(piece)


def _name(kind: bytes) -> str:
    return repr(kind.decode("latin-1"))
