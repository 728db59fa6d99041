"""Sound of Pixels on MUSIC with the settings of the published training script.

Global batch 80 = 4 devices of 20, each with batch statistics of its own; 468 clips,
each seen 100 times an epoch, are 585 steps; rates fall after epochs 40 and 80 of 100.
"""

from spatialjax.data import DataConfig
from spatialjax.evaluation import EvaluationConfig
from spatialjax.tasks import Compat, PixelsConfig
from spatialjax.training import (
    CheckpointConfig,
    Experiment,
    Group,
    OptimizerConfig,
    OptimizerKind,
    ScheduleConfig,
    ScheduleKind,
    TrainingConfig,
)

STEPS_PER_EPOCH = 585


def get_config() -> Experiment:
    return Experiment(
        name="pixels_music",
        seed=1234,
        task=PixelsConfig(norm_group_size=20, compat=Compat.SOUND_OF_PIXELS),
        data=DataConfig(dataset="av_clips/music", batch_size=80),
        optimizer=OptimizerConfig(
            kind=OptimizerKind.SGD,
            learning_rate=1e-3,
            momentum=0.9,
            weight_decay=1e-4,
            schedule=ScheduleConfig(
                kind=ScheduleKind.STEP,
                boundaries=(40 * STEPS_PER_EPOCH, 80 * STEPS_PER_EPOCH),
            ),
            groups={
                "sound": Group("sound/.*"),
                "synthesizer": Group("synthesizer/.*"),
                "frame_features": Group("frame/features/.*", learning_rate=1e-4),
                "frame_fc": Group("frame/fc/.*"),
            },
        ),
        training=TrainingConfig(
            num_steps=100 * STEPS_PER_EPOCH, validate_every_steps=STEPS_PER_EPOCH
        ),
        checkpoint=CheckpointConfig(
            every_steps=STEPS_PER_EPOCH, best=("sdr_db:max", "loss:min")
        ),
        evaluation=EvaluationConfig(suites=("published", "class_distinct")),
    )
