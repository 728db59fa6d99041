"""Extract sound and pictures of raw videos, in the published layout.

    python -m launch.preprocess --source=videos --output=media

makes, of each videos/CLASS/NAME.mp4 (or mkv, webm, mov, ...), the sound
media/audio/CLASS/NAME.wav and the pictures media/frames/CLASS/NAME.mp4/000001.jpg, ....
Killed and run again, it goes on where it was. launch.build_index and
launch.build_dataset read the result.
"""

from absl import flags

from launch import _app

_SOURCE = flags.DEFINE_string(
    "source", None, "folder of videos, one folder a class", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "folder that gets audio/ and frames/", required=True
)
_IMAGE_RATE_HZ = flags.DEFINE_float("image_rate_hz", 8.0, "images per second")
_SAMPLE_RATE_HZ = flags.DEFINE_integer(
    "sample_rate_hz", 11025, "rate of the sound, which becomes mono"
)
_SHORT_SIDE = flags.DEFINE_integer(
    "short_side", 256, "greatest short side of an image in pixels; aspect is kept"
)
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

    done = preprocess(
        _SOURCE.value,
        _OUTPUT.value,
        settings=Settings(
            _IMAGE_RATE_HZ.value, _SAMPLE_RATE_HZ.value, _SHORT_SIDE.value
        ),
        num_workers=_WORKERS.value,
        max_missing=_MAX_MISSING.value,
    )
    print(
        f"{done.num_made} clips made, {done.num_there} were there, "
        f"{len(done.broken)} broken, see {_OUTPUT.value}/missing.json"
    )
    print(f"clips in {_OUTPUT.value}")


if __name__ == "__main__":
    _app.run(main, uses_jax=False)
