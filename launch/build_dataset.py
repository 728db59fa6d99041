"""Build a dataset from raw media, or a synthetic one.

For example --dataset=toy_band --data_dir=data, or --dataset=av_clips/music
--source=train.csv --data_dir=data --max_missing=0.05. Flags of pictures and sound
replace the settings of av_clips and ambix_video; see their READMEs.
"""

import json
from typing import Any

from absl import flags

from launch import _app

_DATASET = flags.DEFINE_string(
    "dataset",
    None,
    "av_clips, ambix_video, toy_band or toy_sphere, or a config of it, such as "
    "av_clips/music, av_clips/vggsound, ambix_video/yt_all_1",
    required=True,
)
_SOURCE = flags.DEFINE_string(
    "source",
    "",
    "what av_clips reads: an index csv (AUDIO_PATH,FRAMES_DIR,NUMBER_FRAMES), a folder "
    "with train.csv, val.csv and test.csv, a folder with audio/ and frames/, or a "
    "folder of videos with sound, one folder a class; ambix_video: a folder of 360 "
    "degree videos, or in the published layout",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "folder of datasets; this one goes below it", required=True
)
_PIPELINE = flags.DEFINE_enum(
    "pipeline", "local", ["local", "beam"], "processes of this machine, or Apache Beam"
)
_NUM_WORKERS = flags.DEFINE_integer(
    "num_workers",
    None,
    "processes of the local pipeline; 0 works in this one (default: one for each core)",
    lower_bound=0,
)
_MAX_MISSING = flags.DEFINE_float(
    "max_missing",
    0.01,
    "greatest fraction of clips that may be missing or broken; they are listed in "
    "missing.json",
    lower_bound=0.0,
    upper_bound=1.0,
)
_BEAM_OPTIONS = flags.DEFINE_multi_string(
    "beam_options", [], "an option of Apache Beam, such as --runner=DirectRunner"
)
_OVERWRITE = flags.DEFINE_boolean("overwrite", False, "replace a dataset that is there")
_SETTINGS = {
    "sample_rate_hz": flags.DEFINE_integer(
        "sample_rate_hz", None, "rate of the stored sound"
    ),
    "channels": flags.DEFINE_integer(
        "channels", None, "av_clips: 1 stores the mean of all channels"
    ),
    "image_rate_hz": flags.DEFINE_float(
        "image_rate_hz", None, "most images per second that are stored"
    ),
    "frames_rate_hz": flags.DEFINE_float(
        "frames_rate_hz",
        None,
        "av_clips: rate of folders of images (default: by their number and the sound)",
    ),
    "short_side": flags.DEFINE_integer(
        "short_side", None, "short side of a stored picture, in pixels"
    ),
    "order": flags.DEFINE_integer("order", None, "ambix_video: order of the sound"),
    "flow": flags.DEFINE_boolean("flow", None, "ambix_video: store optical flow"),
}


def main() -> None:
    """Build the dataset and print what it holds."""
    from tfds_builders.build import build
    from tfds_builders.raw.pool import num_cores

    settings: dict[str, Any] = {
        name: flag.value for name, flag in _SETTINGS.items() if flag.value is not None
    }
    num_workers = _NUM_WORKERS.value
    if num_workers is None:
        num_workers = num_cores()
    folder = build(
        _DATASET.value,
        _DATA_DIR.value,
        source=_SOURCE.value,
        pipeline=_PIPELINE.value,
        num_workers=num_workers,
        max_missing=_MAX_MISSING.value,
        beam_options=tuple(_BEAM_OPTIONS.value),
        overwrite=_OVERWRITE.value,
        settings=settings,
    )
    clips = json.loads((folder / "clips.json").read_text())
    missing = json.loads((folder / "missing.json").read_text())
    rate_hz = clips["sample_rate_hz"]
    for split, members in clips["splits"].items():
        seconds = sum(clip["num_samples"] for clip in members) / rate_hz
        print(f"{split}: {len(members)} clips, {seconds:.0f} s")
    print(f"{len(missing)} clips missing or broken, see {folder / 'missing.json'}")
    print(f"dataset in {folder}")


if __name__ == "__main__":
    _app.run(main, uses_jax=False)
