r"""From nothing to ambisonics: a world all round, training, scores, a film for players.

    python -m launch.demo_ambisonics --output=runs/demo_ambisonics

builds toy_sphere, trains ambix_toy and, for as many steps, a model that hears only,
scores both beside mono and the spatial prior on clips of one, two and three sources,
and makes a 360 degree film of one with mono sound. With --reproduce it trains longer
with three seeds; run again, it goes on where it stopped.
"""

import pathlib
from typing import TYPE_CHECKING, cast

from absl import flags

from launch import _app, _config_flag
from launch._demo import build_dataset, train_to_end

if TYPE_CHECKING:
    from spatialjax.reports import FieldSummary
    from spatialjax.tasks import SpatialAudioConfig
    from spatialjax.training import Experiment

_OUTPUT = flags.DEFINE_string("output", "runs/demo_ambisonics", "folder of runs")
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "folder of datasets")
_DATASET = flags.DEFINE_string("dataset", "toy_sphere/default", "or hard, or tiny")
_REPRODUCE = flags.DEFINE_bool("reproduce", False, "train longer, three seeds")
_STEPS = flags.DEFINE_integer("steps", None, "instead of the usual", lower_bound=1)

REPRODUCE_STEPS = 4000
SEEDS = (0, 1, 2)

HEADS = ("directional", "audio_only")

SPLITS = {
    "test_1": "one source, one decoy",
    "test_2": "two sources",
    "test_3": "three sources",
}
SYSTEMS = {
    "model": "ours: sound looks for its place",
    "swapped": "  pictures of other clips",
    "audio_only": "a U-Net that hears only",
    "spatial_prior": "constant gains of the data",
    "mono": "mono",
}


def main() -> None:
    """Build, train, score, make a film."""
    from spatialjax.media import write_file
    from spatialjax.reports import FieldSummary
    from spatialjax.training.workdir import check_place

    output = pathlib.Path(_OUTPUT.value)
    check_place(output)
    build_dataset(_DATASET.value, _DATA_DIR.value)
    summary = FieldSummary()
    for seed in SEEDS if _REPRODUCE.value else SEEDS[:1]:
        for head in HEADS:
            train_to_end(_experiment(seed, head), output / f"{head}{seed}")
        _score(output, seed, summary)
    write_file(output / "summary.json", summary.to_json().encode())
    print(f"\nshares of mono\n{summary.table(SYSTEMS, SPLITS)}\n")
    print(f"figures  {output}/summary.json\npages    {output}/report/*/index.html")
    _make_film(output)


def _experiment(seed: int, head: str) -> "Experiment":
    from spatialjax.tasks import Head

    experiment: Experiment = _config_flag.load_config("ambix_toy")
    cast("SpatialAudioConfig", experiment.task).head = Head(head)
    experiment.seed = seed
    experiment.data.data_dir = _DATA_DIR.value
    experiment.data.dataset = _DATASET.value
    usual = REPRODUCE_STEPS if _REPRODUCE.value else experiment.training.num_steps
    experiment.training.num_steps = _STEPS.value or usual
    return experiment


def _score(output: pathlib.Path, seed: int, summary: "FieldSummary") -> None:
    from spatialjax.reports import score_systems, wins

    workdir, hearing = (output / f"{head}{seed}" for head in HEADS)
    for split in SPLITS:
        cards = score_systems(workdir, hearing, split, output / "report" / split)
        for system, card in cards.items():
            card.write(workdir / f"scores_{split}_{system}.json")
            summary.add(workdir.name, system, split, card)
        for rival in ("audio_only", "spatial_prior"):
            won = wins(cards["model"], cards[rival])
            told = ", ".join(name for name, is_won in won.items() if is_won)
            print(f"{split}: better than {rival} beyond chance in {told or 'nothing'}")


def _make_film(output: pathlib.Path) -> None:
    from spatialjax.inference import (
        FieldModel,
        FieldOutputs,
        open_field_source,
        spatialize_file,
    )
    from spatialjax.training import load_trained
    from tfds_builders.toy_sphere.film import write_scene

    scene = output / "scene.mp4"
    write_scene(scene)
    trained = load_trained(output / f"{HEADS[0]}{SEEDS[0]}")
    spacing_s = trained.experiment.data.image_spacing_s
    model = FieldModel(trained.task, trained.variables, spacing_s)
    film = str(output / "ambisonics.mp4")
    spatialize_file(model, open_field_source(scene), FieldOutputs(film), tell=print)


if __name__ == "__main__":
    _app.run(main)
