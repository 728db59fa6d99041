r"""Train an experiment, or continue it.

    python -m launch.train --config=pixels_toy --workdir=runs/toy
    python -m launch.train --config=configs/mine.py --workdir=runs/mine \
        --config.optimizer.learning_rate=3e-4 --config.parallel.strategy=pmap

The workdir gets config.json, metrics.jsonl, speed.jsonl, tensorboard/, checkpoints/
and, with each validation, report/index.html. The same command continues a run that was
stopped or killed. SIGTERM and ctrl-C end it after the step, with a checkpoint and
status 75 or 130; a second one at once.

In several processes, one a host, all on one workdir: on a TPU pod and under SLURM the
same command in each; elsewhere, in process I of N,

    ... --coordinator=HOST:PORT --num_processes=N --process_id=I
"""

from typing import TYPE_CHECKING

from absl import flags

from launch import _app, _processes

if TYPE_CHECKING:
    from spatialjax.training import Experiment

_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "folder of the run, or gs://BUCKET/FOLDER; made, or continued",
    required=True,
)
_REPORT_ITEMS = flags.DEFINE_integer(
    "report_items", 6, "items on the page of a validation; 0: no page", lower_bound=0
)


def main(experiment: "Experiment") -> int:
    """Train to the last step of the config; the status."""
    import jax

    from spatialjax.convert import first_weights
    from spatialjax.media import as_place
    from spatialjax.reports import Gallery, Report
    from spatialjax.training import Validation, train

    workdir = as_place(_WORKDIR.value)
    gallery = Gallery(_REPORT_ITEMS.value)

    def show(validation: Validation) -> None:
        report = Report.of_run(experiment.name, validation.dataset, gallery, workdir)
        report.write(workdir / "report", validation.card)

    is_shown = _REPORT_ITEMS.value > 0 and jax.process_index() == 0
    result = train(
        experiment,
        workdir,
        amend=first_weights(experiment.task),
        on_validation=show if is_shown else None,
        collect=gallery if is_shown else None,
    )
    statuses = {"SIGTERM": _processes.RESTART, "SIGINT": _processes.INTERRUPTED}
    return statuses.get(result.stopped_by or "", 0)


if __name__ == "__main__":
    _app.run(main, config_flag=True, several_processes=True, urls=["workdir"])
