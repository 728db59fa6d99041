"""Separate the sound of a video by what is seen in it.

    python -m launch.separate --workdir=toy --input=me.mp4 --output=me --boxes=b.json
    python -m launch.separate --workdir=toy --input=me.mp4 --output=me --num_objects=2

writes a folder: a WAV for each source, the mixture, scene.json (where, when, how loud),
the film with the energy of its sound on top, and index.html to click and listen.
"""

import pathlib

from absl import flags

from launch import _app
from spatialjax.errors import UserError

_WORKDIR = flags.DEFINE_string("workdir", None, "folder of a run", required=True)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    "latest",
    "which one: latest, a step, or the best by a metric, such as sdr_db:max",
)
_INPUT = flags.DEFINE_string("input", None, "any video with sound", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "folder to write", required=True)
_REGIONS = flags.DEFINE_enum(
    "regions", None, ["grid"], "grid: every place of the picture is a source"
)
_BOXES = flags.DEFINE_string(
    "boxes",
    None,
    'JSON file: [{"name": "cello", "box": [left, top, right, bottom]}, ...], in pixels '
    "or in fractions of the picture",
)
_POINTS = flags.DEFINE_string("points", None, "x,y;x,y in pixels or in fractions")
_NUM_OBJECTS = flags.DEFINE_integer(
    "num_objects", None, "find so many sources by what sounds alike", lower_bound=1
)
_POSTFILTER = flags.DEFINE_enum(
    "postfilter",
    None,
    ["none", "mixture_consistency", "wiener", "lms", "nlms", "rls"],
    "what is done to the sources, see docs/postfilters.md (default: wiener for two and "
    "more boxes or objects, else none)",
)
_REFERENCE = flags.DEFINE_string(
    "reference",
    None,
    "sound file of a second microphone, near the noise: what it explains is removed "
    "first, by --postfilter where that is lms, nlms or rls, else by rls",
)
_RATE = flags.DEFINE_enum(
    "rate",
    "model",
    ["model", "input"],
    "rate of the sources; input adds residual.wav with all that they lack",
)
_MAX_MEMORY_GB = flags.DEFINE_float(
    "max_memory_gb",
    None,
    "of a device (default: three quarters of what it has)",
    lower_bound=0,
)
_PAGE = flags.DEFINE_boolean("page", True, "write films and index.html")


def main() -> None:
    """Separate the film, write the folder, tell what is in it."""
    from tqdm import tqdm

    from spatialjax.audio import PostFilter
    from spatialjax.inference import SeparationOptions, Separator, separate_film
    from spatialjax.media import replaced_folder
    from spatialjax.reports import write_films, write_listening_page
    from spatialjax.tasks import MaskSeparator
    from spatialjax.training import load_trained

    options = SeparationOptions(
        is_grid=_REGIONS.value == "grid",
        boxes=_BOXES.value,
        points=_POINTS.value,
        num_objects=_NUM_OBJECTS.value,
        postfilter=None if _POSTFILTER.value is None else PostFilter(_POSTFILTER.value),
        reference=_REFERENCE.value,
        keeps_rate=_RATE.value == "input",
        max_memory_gb=_MAX_MEMORY_GB.value,
    )
    options.validate()
    output = pathlib.Path(_OUTPUT.value).resolve()
    for file in filter(None, (_INPUT.value, _BOXES.value, _REFERENCE.value)):
        if pathlib.Path(file).resolve().is_relative_to(output):
            raise UserError(f"{file} lies in --output={output}; name another folder")
    progress = tqdm(unit=" s", disable=None, leave=False)
    with replaced_folder(output) as folder, progress as bar:
        trained = load_trained(_WORKDIR.value, _CHECKPOINT.value)
        if not isinstance(trained.task, MaskSeparator):
            raise UserError(
                f"{_WORKDIR.value} holds {trained.experiment.name}, which cannot "
                "separate by places; name the workdir of a model that can"
            )
        spacing_s = trained.experiment.data.image_spacing_s
        separator = Separator(trained.task, trained.variables, spacing_s)
        scene = separate_film(
            separator,
            _INPUT.value,
            folder,
            options,
            tell=print,
            advance=lambda done_s: bar.update(round(done_s - bar.n)),
        )
        if _PAGE.value:
            write_films(_INPUT.value, folder, scene)
            write_listening_page(folder, scene, pathlib.Path(_INPUT.value).name)
    for file in (*scene.files, *(["index.html"] if _PAGE.value else [])):
        print(f"{_OUTPUT.value}/{file}")


if __name__ == "__main__":
    _app.run(main, urls=["workdir"])
