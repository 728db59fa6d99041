"""Raw 360 degree videos as clips in the published layout, resumed at will."""

import os
import pathlib
from collections.abc import Sequence

from spatialjax.errors import DataError
from spatialjax.media.flow import check_flow_can_be_estimated
from tfds_builders.raw.ambisonics_extract import FieldClip, extract_field
from tfds_builders.raw.ambisonics_pictures import SphereForm, SphereProjection
from tfds_builders.raw.ambisonics_settings import FieldSettings, youtube_form
from tfds_builders.raw.ambisonics_sources import find_recordings
from tfds_builders.raw.preprocess import Preprocessed, make_clips

FORMATS_FILE = "video_formats.txt"

_PROJECTIONS = {"ER": SphereProjection.ER, "EAC": SphereProjection.EAC}


def preprocess_fields(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    settings: FieldSettings | None = None,
    num_workers: int | None = None,
    max_missing: float = 0.01,
) -> Preprocessed:
    """Extract the sound field and the sphere of all videos below a folder.

    ``SOURCE/ID.mp4`` (or ``ID.video.mp4`` and ``ID.audio.f338.webm``) becomes a folder
    ``OUTPUT/ID``. The form of the pictures is what the settings state, else the row of
    the video in ``SOURCE/video_formats.txt``, else what the file itself states, else
    equirectangular for one eye. Interruption, resumption and what is broken: as
    `preprocess`.

    Args:
      source: folder of videos.
      output: folder of clips.
      settings: rates, sizes and forms.
      num_workers: processes; 0 works in this one, None takes one for each core.
      max_missing: greatest fraction of videos that may be broken.

    Raises:
      ConfigError, DataError, MediaError, OSError: as `preprocess`.
    """
    source, output = pathlib.Path(source), pathlib.Path(output)
    settings = settings or FieldSettings()
    settings.validate()
    if settings.flow:
        check_flow_can_be_estimated()
    recordings = find_recordings(source)
    if output.exists() and output.samefile(source):
        raise DataError(f"output is the source, {source}: name another folder")
    forms = read_formats(source / FORMATS_FILE)
    clips = [
        FieldClip(
            recording,
            output / recording.clip_id,
            settings.form or forms.get(recording.clip_id.rpartition("/")[2]),
        )
        for recording in recordings
    ]
    _check_apart(clips)
    return make_clips(
        extract_field,
        clips,
        output,
        settings,
        traces=("**/ambix",),
        num_workers=num_workers,
        max_missing=max_missing,
    )


def read_formats(path: pathlib.Path) -> dict[str, SphereForm]:
    """The form of each video of a list of ``ID ITAG MONO|STEREO EAC|ER``; {} for none.

    Raises:
      DataError: it cannot be read, or a line is malformed.
    """
    if not path.exists():
        return {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    forms = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if (
            len(words) != 4
            or words[2] not in ("MONO", "STEREO")
            or words[3] not in _PROJECTIONS
        ):
            raise DataError(
                f"{path} line {number}: {line.strip()!r}, expected "
                "ID ITAG MONO|STEREO EAC|ER"
            )
        forms[words[0]] = youtube_form(_PROJECTIONS[words[3]], words[2] == "STEREO")
    return forms


def _check_apart(clips: Sequence[FieldClip]) -> None:
    """Raise DataError where the folder of a clip would lie in that of another."""
    folders = {clip.folder: clip for clip in clips}
    for clip in clips:
        for above in clip.folder.parents:
            if above in folders:
                raise DataError(
                    f"the clip of {clip.source} would lie in that of "
                    f"{folders[above].source}: rename one of them"
                )
