"""The whole road in minutes: build toy_band, train, score, write a page and a film.

`make demo` runs it once, `make reproduce-toy` (--reproduce) longer with three seeds;
run again, it goes on where it stopped.
"""

import dataclasses
import pathlib
from typing import TYPE_CHECKING, cast

from absl import flags

from launch import _app, _config_flag
from launch._demo import build_dataset, train_to_end

if TYPE_CHECKING:
    from spatialjax.reports import Summary
    from spatialjax.tasks import Pixels
    from spatialjax.training import Experiment, WorkdirEvaluation

_OUTPUT = flags.DEFINE_string("output", "runs/demo", "folder of runs and page")
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "folder of datasets")
_DATASET = flags.DEFINE_string("dataset", "toy_band/default", "or toy_band/tiny")
_REPRODUCE = flags.DEFINE_bool("reproduce", False, "train longer, three seeds")
_STEPS = flags.DEFINE_integer("steps", None, "instead of the usual", lower_bound=1)

REPRODUCE_STEPS = 3000
SEEDS = (0, 1, 2)

SUITES = {
    "class_distinct": "two instruments of two classes",
    "ideal": "  the same, ideal masks (the bound)",
    "class_distinct_swapped": "  the same, pictures swapped (the control)",
    "duet": "duets, each instrument cut from one picture",
    "same_class": "two instruments of one class",
}


def main() -> None:
    """Build, train, score, show."""
    from spatialjax.media import write_file
    from spatialjax.reports import Summary
    from spatialjax.training.workdir import check_place
    from tfds_builders.toy_band.film import write_duet

    output = pathlib.Path(_OUTPUT.value)
    check_place(output)
    build_dataset(_DATASET.value, _DATA_DIR.value)
    summary = Summary()
    for seed in SEEDS if _REPRODUCE.value else SEEDS[:1]:
        workdir = output / f"seed{seed}"
        train_to_end(_experiment(seed), workdir)
        _score(workdir, output / "report", summary)
    write_file(output / "summary.json", summary.to_json().encode())
    print(f"\n{summary.table(SUITES)}\n\nfigures  {output}/summary.json")
    write_duet(output / "duet.mp4")
    print(f"film     {output}/duet.mp4 (for launch.separate)")
    print(f"page     {output}/report/index.html (opens in a browser)")


def _experiment(seed: int) -> "Experiment":
    experiment: Experiment = _config_flag.load_config("pixels_toy")
    experiment.seed = seed
    experiment.data.data_dir = _DATA_DIR.value
    experiment.data.dataset = _DATASET.value
    usual = REPRODUCE_STEPS if _REPRODUCE.value else experiment.training.num_steps
    experiment.training.num_steps = _STEPS.value or usual
    return experiment


def _score(workdir: pathlib.Path, page: pathlib.Path, summary: "Summary") -> None:
    from spatialjax.reports import Gallery, Report
    from spatialjax.training import open_evaluation

    suites = [name for name in SUITES if name != "ideal"]
    evaluation = open_evaluation(workdir, split="test", suites=suites)
    gallery = Gallery(6)
    card = evaluation.run(gallery)
    card.write(workdir / "scores.json")
    name = evaluation.trained.experiment.name
    Report.of_run(name, evaluation.dataset, gallery, workdir).write(page, card)
    bound = open_evaluation(workdir, split="test", suites=suites[:1])
    summary.add(workdir.name, card, _with_ideal_masks(bound).run())


def _with_ideal_masks(evaluation: "WorkdirEvaluation") -> "WorkdirEvaluation":
    trained = evaluation.trained
    task = dataclasses.replace(cast("Pixels", trained.task), is_ideal=True)
    return dataclasses.replace(evaluation, trained=trained._replace(task=task))


if __name__ == "__main__":
    _app.run(main)
