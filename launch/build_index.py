"""Write the index of clips that launch.preprocess made, with their splits.

    python -m launch.build_index --source=media --output=media/index
    python -m launch.build_dataset --dataset=av_clips/music --source=media/index ...

writes all.csv, train.csv, val.csv and test.csv (AUDIO_PATH,FRAMES_DIR,NUMBER_FRAMES)
and index.json: solos by class into train and val, duets into test, silence into train.
Clips below audio/train, audio/val and audio/test stay in these.
"""

from absl import flags

from launch import _app

_SOURCE = flags.DEFINE_string(
    "source", None, "folder with audio/CLASS and frames/CLASS", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "folder of the index; within the source, both can move",
    required=True,
)
_MIN_IMAGES = flags.DEFINE_integer(
    "min_images", 160, "clips with fewer images are left out", lower_bound=0
)
_VALIDATION_SHARE = flags.DEFINE_float(
    "validation_share", 0.15, "share of the solos of each class in val.csv"
)
_TEST_SHARE = flags.DEFINE_float(
    "test_share", 0.1, "share of the solos of each class in test.csv, without duets"
)
_DUETS_TO_TEST = flags.DEFINE_boolean(
    "duets_to_test", True, "test.csv is all duets (flute violin), where there are any"
)
_SEED = flags.DEFINE_integer("seed", 42, "draws the videos that are held out")
_SILENCE_PICTURES = flags.DEFINE_string(
    "silence_pictures",
    None,
    "folder of pictures without instruments: clips of the class silence, for training",
)
_SILENCE_CLIPS = flags.DEFINE_integer(
    "silence_clips", 50, "greatest number of silent clips", lower_bound=0
)


def main() -> None:
    """Write the index, and tell what is in it."""
    from tfds_builders.raw.index import build_index
    from tfds_builders.raw.splits import SplitRules

    index = build_index(
        _SOURCE.value,
        _OUTPUT.value,
        min_images=_MIN_IMAGES.value,
        rules=SplitRules(
            _VALIDATION_SHARE.value,
            _TEST_SHARE.value,
            _DUETS_TO_TEST.value,
            _SEED.value,
        ),
        silence_pictures=_SILENCE_PICTURES.value,
        num_silence=_SILENCE_CLIPS.value,
    )
    for split, entries in index.splits.items():
        num_classes = len({entry.label for entry in entries})
        plural = "" if num_classes == 1 else "es"
        print(f"{split}: {len(entries)} clips of {num_classes} class{plural}")
    if index.duets:
        print(f"duets: {', '.join(index.duets)}")
    print(f"{len(index.left_out)} clips left out, see {_OUTPUT.value}/index.json")
    print(f"index in {_OUTPUT.value}")


if __name__ == "__main__":
    _app.run(main, uses_jax=False)
