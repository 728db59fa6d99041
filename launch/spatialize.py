"""Make a sound field of a mono or stereo sound and the 360 degree pictures around it.

    python -m launch.spatialize --workdir=runs/x --input=me.mp4 --output=field.mp4
    python -m launch.spatialize --workdir=runs/x --input=me.wav --image=room.jpg
        --output=field.wav --binaural=ears.wav

writes AmbiX (.wav), or a film that players turn with the viewer (.mp4, .mov, .webm,
.mkv), whose pictures are those of the input, untouched; then tells what players see.
"""

import pathlib

from absl import flags

from launch import _app

_WORKDIR = flags.DEFINE_string("workdir", None, "folder of a run", required=True)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    "latest",
    "which one: latest, a step, or the best by a metric, such as stft:min",
)
_INPUT = flags.DEFINE_string(
    "input", None, "any video or sound file, mono or stereo", required=True
)
_IMAGE = flags.DEFINE_string(
    "image", None, "360 degree film or still picture to see instead of the input's"
)
_ASSUME_360 = flags.DEFINE_boolean(
    "assume_360", False, "take pictures that state no sphere for equirectangular"
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "file to write: .wav (AmbiX, 32-bit float), .mp4 (AAC; Opus above order 1), .mov "
    "(24-bit PCM), .webm or .mkv (Opus)",
    required=True,
)
_ORDER = flags.DEFINE_integer(
    "order", None, "of the field (default: the model's)", lower_bound=1, upper_bound=3
)
_REENCODE = flags.DEFINE_boolean(
    "reencode", False, "encode the pictures anew, where a film cannot take them"
)
_BINAURAL = flags.DEFINE_string("binaural", None, "WAV for headphones to write")
_SOFA = flags.DEFINE_string(
    "sofa", None, "SOFA file of the head for --binaural (default: a rigid sphere)"
)
_STEREO = flags.DEFINE_string("stereo", None, "WAV of left and right to write")
_OVERLAY = flags.DEFINE_string(
    "overlay", None, "film (.mp4) to write with the energy of the sound on top"
)
_OVERLAY_LOOK = flags.DEFINE_enum(
    "overlay_look",
    "uniform",
    ["uniform", "published"],
    "uniform: equal steps of level look equal; published: as spatialaudiogen drew it",
)


def main() -> None:
    """Write the sound field and what else is asked for; tell what players will see."""
    from tqdm import tqdm

    from spatialjax.inference import (
        FieldModel,
        FieldOutputs,
        FieldSource,
        open_field_source,
        spatialize_file,
        task_of_order,
    )
    from spatialjax.training import load_trained

    outputs = FieldOutputs(
        field=_OUTPUT.value,
        binaural=_BINAURAL.value,
        stereo=_STEREO.value,
        overlay=_OVERLAY.value,
        sofa=_SOFA.value,
        reencode=_REENCODE.value,
    )
    trained = load_trained(_WORKDIR.value, _CHECKPOINT.value)
    task = trained.task
    if _ORDER.value is not None:
        task = task_of_order(trained.experiment.task, trained.variables, _ORDER.value)
    spacing_s = trained.experiment.data.image_spacing_s
    model = FieldModel(task, trained.variables, spacing_s)
    source = open_field_source(
        _INPUT.value,
        _IMAGE.value,
        is_seen=outputs.has_pictures or model.geometry.num_images > 0,
        assume_360=_ASSUME_360.value,
    )

    def write_overlay(
        path: str, source: FieldSource, field: pathlib.Path, start_s: float | None
    ) -> None:
        from spatialjax.reports.energy_overlay import OverlayLook, write_energy_overlay

        look, seen = OverlayLook(_OVERLAY_LOOK.value), source.pictures or ""
        write_energy_overlay(
            path, seen, field, look, start_s=start_s, sphere=source.sphere
        )

    total = source.duration_s and round(source.duration_s)
    with tqdm(total=total, unit=" s", disable=None, leave=False) as bar:
        spatialize_file(
            model,
            source,
            outputs,
            tell=print,
            advance=lambda done_s: bar.update(round(done_s - bar.n)),
            write_overlay=write_overlay,
        )


if __name__ == "__main__":
    _app.run(main, urls=["workdir"])
