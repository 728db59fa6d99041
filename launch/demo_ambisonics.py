r"""From nothing to ambisonics: a world all round, training, scores, a film for players.

    python -m launch.demo_ambisonics --output=runs/demo_ambisonics

builds toy_sphere, trains ambix_toy and, for as many steps, a model that hears only,
scores both beside mono, priors and pictures of other clips, on clips of one, two and
three sources, and makes a 360 degree film of one with mono sound. With --reproduce it
trains longer with three seeds; --published trains the published network, too. Run
again, it goes on where it stopped.
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
_PUBLISHED = flags.DEFINE_bool("published", False, "train the published network, too")
_STEPS = flags.DEFINE_integer("steps", None, "instead of the usual", lower_bound=1)

REPRODUCE_STEPS = 7500
SEEDS = (0, 1, 2)

SPLITS = {
    "test_1": "one source, one decoy",
    "test_2": "two sources",
    "test_3": "three sources",
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
    rivals = ["audio_only", *(["published"] if _PUBLISHED.value else [])]
    for seed in SEEDS if _REPRODUCE.value else SEEDS[:1]:
        for head in ("directional", *rivals):
            train_to_end(_experiment(seed, head), output / f"{head}{seed}")
        _score(output, seed, rivals, summary)
    write_file(output / "summary.json", summary.to_json().encode())
    print(f"\nshares of mono\n{summary.table(SPLITS)}\n")
    print(f"figures  {output}/summary.json\npages    {output}/report/*/index.html")
    _make_film(output)


def _experiment(seed: int, head: str) -> "Experiment":
    from spatialjax.tasks import Head

    is_published = Head(head) is Head.PUBLISHED
    name = "ambix_toy_published" if is_published else "ambix_toy"
    experiment: Experiment = _config_flag.load_config(name)
    cast("SpatialAudioConfig", experiment.task).head = Head(head)
    experiment.seed = seed
    experiment.data.data_dir = _DATA_DIR.value
    experiment.data.dataset = _DATASET.value
    usual = REPRODUCE_STEPS if _REPRODUCE.value else experiment.training.num_steps
    experiment.training.num_steps = _STEPS.value or usual
    return experiment


def _score(
    output: pathlib.Path, seed: int, rivals: list[str], summary: "FieldSummary"
) -> None:
    from spatialjax.reports import score_systems, wins

    workdir = output / f"directional{seed}"
    others = {head: output / f"{head}{seed}" for head in rivals}
    for split in SPLITS:
        page = output / "report" / f"{split}_{workdir.name}"
        cards = score_systems(workdir, others, split, page)
        for system, card in cards.items():
            card.write(workdir / f"scores_{split}_{system}.json")
            summary.add(workdir.name, system, split, card)
        for rival in (*rivals, "spatial_prior", "loudness_prior"):
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
    trained = load_trained(output / f"directional{SEEDS[0]}")
    spacing_s = trained.experiment.data.image_spacing_s
    model = FieldModel(trained.task, trained.variables, spacing_s)
    film = str(output / "ambisonics.mp4")
    spatialize_file(model, open_field_source(scene), FieldOutputs(film), tell=print)


if __name__ == "__main__":
    _app.run(main)
