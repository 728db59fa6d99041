"""Score the model of a workdir, or a baseline on the same items.

    python -m launch.evaluate --workdir=runs/toy
    python -m launch.evaluate --workdir=runs/toy --suites=duet --report=page
    python -m launch.evaluate --workdir=runs/ambix_toy --baseline=spatial_prior

prints, for each suite, the mean of each metric with its 95 % interval and count, and
the means by class; writes them, and the values of every item, as JSON.
"""

import functools
import os

from absl import flags

from launch import _app

_WORKDIR = flags.DEFINE_string("workdir", None, "folder of a run", required=True)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    "latest",
    "which one: latest, a step, or the best by a metric, such as sdr_db:max",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "folder of datasets (default: the one of the training)"
)
_SPLIT = flags.DEFINE_string(
    "split", None, "split of the dataset (default: the run's validation split)"
)
_SUITES = flags.DEFINE_list(
    "suites",
    [],
    "rules of the items: class_distinct, same_class, duet, published, scene; with the "
    "ending _swapped as a control with the pictures traded (default: the run's)",
)
_PAIRS = flags.DEFINE_list(
    "pairs", [], "files of mixtures to score instead; a suite is named as its file"
)
_CLIPS = flags.DEFINE_string(
    "clips",
    None,
    "file of the clips that count: an id a line, or the clips.json of another dataset",
)
_MAX_ITEMS = flags.DEFINE_integer(
    "max_items", None, "at most so many items of a suite", lower_bound=1
)
_BASELINES = ["mono", "spatial_prior", "loudness_prior"]
_BASELINE = flags.DEFINE_enum("baseline", None, _BASELINES, "instead, of sound fields")
_OUTPUT = flags.DEFINE_string(
    "output", None, "the score card (default: scores[_BASELINE].json in the workdir)"
)
_SAVE_PAIRS = flags.DEFINE_string(
    "save_pairs", None, "folder that gets the mixtures of each suite as a file"
)
_REPORT = flags.DEFINE_string("report", None, "folder that gets the page")
_REPORT_ITEMS = flags.DEFINE_integer(
    "report_items", 8, "items of each suite on the page", lower_bound=0
)


def main() -> None:
    """Evaluate; process 0 prints the table and writes the files."""
    import jax
    from tqdm import tqdm

    from spatialjax.media import as_place
    from spatialjax.reports import Gallery, Report
    from spatialjax.training import Baseline, open_evaluation

    workdir = as_place(_WORKDIR.value)
    name = f"scores_{_BASELINE.value}.json" if _BASELINE.value else "scores.json"
    output = as_place(_OUTPUT.value or workdir / name)
    evaluation = open_evaluation(
        workdir,
        which=_CHECKPOINT.value,
        data_dir=_DATA_DIR.value,
        split=_SPLIT.value,
        suites=_SUITES.value,
        pair_files=_PAIRS.value,
        clip_file=_CLIPS.value,
        max_items=_MAX_ITEMS.value,
    )
    _check_places(output)
    if _SAVE_PAIRS.value is not None and jax.process_index() == 0:
        evaluation.save_pairs(_SAVE_PAIRS.value)
    if _BASELINE.value is not None:
        watch = functools.partial(tqdm, unit=" clips", disable=None, leave=False)
        evaluation = evaluation.with_baseline(Baseline(_BASELINE.value), watch)
    gallery = Gallery(_REPORT_ITEMS.value)
    card = evaluation.run(gallery if _REPORT.value is not None else None)
    if jax.process_index() != 0:
        return
    card.write(output)
    lines = [card.table(), "", f"scores  {output}"]
    if _REPORT.value is not None:
        name = evaluation.trained.experiment.name
        run = workdir if evaluation.baseline is None else None
        report = Report.of_run(name, evaluation.dataset, gallery, run)
        lines.append(f"report  {report.write(_REPORT.value, card)}")
    if _CLIPS.value is not None:
        counts, used = evaluation.clip_counts, evaluation.dataset.hash[:12]
        lines.append(f"clips   {counts}, hash {used}")
    print("\n".join(lines))


def _check_places(output: os.PathLike[str]) -> None:
    """Refuse places that cannot be written, or that the page would replace."""
    from spatialjax.reports import check_page
    from spatialjax.training.workdir import check_file_place

    check_file_place(output)
    if _REPORT.value is not None:
        check_page(_REPORT.value, output, _SAVE_PAIRS.value)


if __name__ == "__main__":
    _app.run(main, several_processes=True, urls=["workdir", "output"])
