"""Sound of Pixels on VGGSound, as the VGGSound fork set it up (its experiment 6.1).

Ten-second clips with one picture a second: the three pictures stand at the centre and
3 s to both sides, as in `pixels_music`, whatever the picture rate. The fork took
the picture rate for 8; that is not repeated. Its other experiments are overrides of
this file and of `pixels_music`, listed in the README.
"""

from spatialjax.data import DataConfig
from spatialjax.evaluation import EvaluationConfig
from spatialjax.losses import LossWeight
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

STEPS_PER_EPOCH = 9000  # 180 000 clips, batch 20


def get_config() -> Experiment:
    return Experiment(
        name="pixels_vggsound",
        seed=42,
        task=PixelsConfig(
            num_channels=16,
            loss_weight=LossWeight.NONE,
            compat=Compat.SOUND_OF_PIXELS,
        ),
        data=DataConfig(
            dataset="av_clips/vggsound", batch_size=20, centre_margin_s=3.0
        ),
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
                "synthesizer": Group("synthesizer/.*", learning_rate=1e-2),
                "frame": Group("frame/.*"),
            },
        ),
        training=TrainingConfig(
            num_steps=100 * STEPS_PER_EPOCH, validate_every_steps=STEPS_PER_EPOCH
        ),
        checkpoint=CheckpointConfig(
            every_steps=STEPS_PER_EPOCH, best=("sdr_db:max", "loss:min")
        ),
        evaluation=EvaluationConfig(suites=("class_distinct",)),
    )
