"""Fetch the videos of a list of ids, such as those of MUSIC and VGGSound.

    python -m launch.download --source=MUSIC_solo_videos.json --output=videos

A list is the json of MUSIC, the csv of VGGSound (ID,START,LABEL,SPLIT), or a text of
ids or URLs, one a line. Each video becomes videos/[SPLIT/]LABEL/NAME.mp4, which
launch.preprocess reads. Stopped and run again, it goes on where it was; what is gone is
listed in missing.json and not asked for again. It needs pip install -e ".[download]".
"""

from absl import flags

from launch import _app

_SOURCE = flags.DEFINE_string(
    "source", None, "the list: a json, csv or text file", required=True
)
_OUTPUT = flags.DEFINE_string("output", None, "folder of videos", required=True)
_WORKERS = flags.DEFINE_integer(
    "workers",
    2,
    "videos fetched at a time, each in a process of its own; 0 works in this one",
    lower_bound=0,
)
_MAX_HEIGHT = flags.DEFINE_integer(
    "max_height", 360, "greatest height of the pictures, where there is a choice"
)
_SECTION_S = flags.DEFINE_float(
    "section_s", 10.0, "seconds of a video of which the list gives only a start"
)
_RETRIES = flags.DEFINE_integer(
    "retries", 5, "further attempts at a video that may come later", lower_bound=0
)
_FIRST_WAIT_S = flags.DEFINE_float(
    "first_wait_s", 2.0, "seconds before the second attempt; then twice as long, ..."
)
_SEED = flags.DEFINE_integer("seed", 0, "draws the waits, of 50 to 150 percent")


def main() -> None:
    """Fetch, and tell what there is."""
    from tfds_builders.raw.download import REPORT, download
    from tfds_builders.raw.fetch import Manner

    done = download(
        _SOURCE.value,
        _OUTPUT.value,
        manner=Manner(
            _MAX_HEIGHT.value, _RETRIES.value, _FIRST_WAIT_S.value, seed=_SEED.value
        ),
        section_s=_SECTION_S.value,
        num_workers=_WORKERS.value,
    )
    print(
        f"{done.num_fetched} videos fetched, {done.num_there} were there, "
        f"{len(done.gone)} gone, see {_OUTPUT.value}/{REPORT}"
    )
    print(f"videos in {_OUTPUT.value}")


if __name__ == "__main__":
    _app.run(main, uses_jax=False)
