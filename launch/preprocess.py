"""Extract sound and pictures of raw videos, in the published layouts.

    python -m launch.preprocess --source=videos --output=media

makes, of each videos/CLASS/NAME.mp4 (or mkv, webm, mov, ...), the sound
media/audio/CLASS/NAME.wav and the pictures media/frames/CLASS/NAME.mp4/000001.jpg, ....
Of 360 degree videos with a sound field,

    python -m launch.preprocess --kind=ambisonics --source=videos --output=fields

makes fields/NAME with ambix/000000.wav, ... and video/000000.jpg, .... Killed and run
again, it goes on where it was. launch.build_index and launch.build_dataset read the
result.
"""

from typing import Any

from absl import flags

from launch import _app

_KIND = flags.DEFINE_enum(
    "kind",
    "clips",
    ["clips", "ambisonics"],
    "what the videos hold: sound and pictures, or a sound field and the whole sphere",
)
_SOURCE = flags.DEFINE_string(
    "source", None, "folder of videos, for clips one folder a class", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "folder that gets audio/ and frames/, or a folder a video",
    required=True,
)
_SETTINGS: dict[str, flags.FlagHolder] = {
    "image_rate_hz": flags.DEFINE_float(
        "image_rate_hz", None, "images per second (default: 8; ambisonics: 10)"
    ),
    "sample_rate_hz": flags.DEFINE_integer(
        "sample_rate_hz",
        None,
        "rate of the sound (default: 11025, mono; ambisonics: 48000)",
    ),
    "short_side": flags.DEFINE_integer(
        "short_side",
        None,
        "greatest short side of an image in pixels; aspect is kept (default: 256; "
        "ambisonics: 224, of 448 x 224)",
    ),
    "flow": flags.DEFINE_boolean("flow", None, "ambisonics: write optical flow too"),
    "projection": flags.DEFINE_enum(
        "projection",
        None,
        ["er", "eac"],
        "ambisonics: how all videos show the sphere, equirectangular or as YouTube's "
        "EAC (default: by SOURCE/video_formats.txt, or by each file)",
    ),
    "stereo": flags.DEFINE_boolean(
        "stereo", None, "ambisonics: with --projection, whether they show two eyes"
    ),
    "channel_map": flags.DEFINE_list(
        "channel_map",
        None,
        "ambisonics: the channels that hold W,Y,Z,X, from 0, such as 0,2,3,1 for files "
        "with W,X,Y,Z (default: by the codec, as YouTube stores them)",
    ),
}
_WORKERS = flags.DEFINE_integer(
    "workers",
    None,
    "processes; 0 works in this one (default: one for each core)",
    lower_bound=0,
)
_MAX_MISSING = flags.DEFINE_float(
    "max_missing",
    0.01,
    "greatest fraction of videos that may be broken; more are a mistake, told when all "
    "others are done. They are listed in missing.json",
    lower_bound=0.0,
    upper_bound=1.0,
)


def main() -> None:
    """Extract, and tell what there is."""
    from tfds_builders.raw.extract import Settings
    from tfds_builders.raw.preprocess import preprocess
    from tfds_builders.settings import replace_settings

    values: dict[str, Any] = {
        name: flag.value for name, flag in _SETTINGS.items() if flag.value is not None
    }
    how: dict[str, Any] = {"num_workers": _WORKERS.value}
    how["max_missing"] = _MAX_MISSING.value
    if _KIND.value == "ambisonics":  # whose imports take seconds
        from tfds_builders.raw.ambisonics_preprocess import preprocess_fields
        from tfds_builders.raw.ambisonics_settings import (
            FieldSettings,
            parse_channel_map,
        )

        if "channel_map" in values:
            values["channel_map"] = parse_channel_map(values["channel_map"])
        field = replace_settings(FieldSettings(), values)
        done = preprocess_fields(_SOURCE.value, _OUTPUT.value, settings=field, **how)
    else:
        clip = replace_settings(Settings(), values)
        done = preprocess(_SOURCE.value, _OUTPUT.value, settings=clip, **how)
    print(
        f"{done.num_made} clips made, {done.num_there} were there, "
        f"{len(done.broken)} broken, see {_OUTPUT.value}/missing.json"
    )
    print(f"clips in {_OUTPUT.value}")


if __name__ == "__main__":
    _app.run(main, uses_jax=False)
