r"""Train an experiment, or continue it.

    python -m launch.train --config=pixels_toy --workdir=runs/toy
    python -m launch.train --config=configs/mine.py --workdir=runs/mine \
        --config.optimizer.learning_rate=3e-4 --config.parallel.strategy=pmap

The workdir gets config.json, metrics.jsonl, speed.jsonl, tensorboard/ and
checkpoints/. The same command continues a run that was stopped or killed. SIGTERM and
ctrl-C end it after the step, with a checkpoint and status 0; a second one at once.
"""

from typing import TYPE_CHECKING

from absl import flags, logging

from launch import _app

if TYPE_CHECKING:
    from spatialjax.training import Experiment

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "folder of the run; made, or continued", required=True
)


def main(experiment: "Experiment") -> None:
    """Train to the last step of the config."""
    from spatialjax.training import train

    logging.set_verbosity(logging.WARNING)  # of libraries; the run tells its own
    train(experiment, _WORKDIR.value)


if __name__ == "__main__":
    _app.run(main, config_flag=True)
