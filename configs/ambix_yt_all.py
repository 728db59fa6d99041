"""spatialaudiogen on YT-All with the settings of the published training script.

Network, data and optimizer are as published, but for ImageNet weights at the begin.
What was wrong is mended; ``--config.task.compat=spatialaudiogen`` brings it all back.
The optical flow is in datasets built with ``--flow``; ``--noconfig.task.has_flow`` does
without.
"""

from spatialjax.data import DataConfig
from spatialjax.evaluation import EvaluationConfig
from spatialjax.tasks import Head, SpatialAudioConfig
from spatialjax.training import (
    CheckpointConfig,
    Experiment,
    OptimizerConfig,
    OptimizerKind,
    ScheduleConfig,
    ScheduleKind,
    TrainingConfig,
)


def get_config() -> Experiment:
    return Experiment(
        name="ambix_yt_all",
        task=SpatialAudioConfig(
            head=Head.PUBLISHED, n_fft=1024, hop=256, has_flow=True, mirrors=False
        ),
        data=DataConfig(
            dataset="ambix_video/yt_all_1",
            batch_size=32,
            centre_margin_s=0.5,
            silence_rms=0.2,
            image_scale=1.0,
            flip=False,
        ),
        optimizer=OptimizerConfig(
            kind=OptimizerKind.ADAM,
            learning_rate=1e-4,
            schedule=ScheduleConfig(
                kind=ScheduleKind.STEP,
                boundaries=(250_000, 500_000, 750_000),
                factor=0.5,
            ),
        ),
        training=TrainingConfig(
            num_steps=150_000, log_every_steps=20, validate_every_steps=5000
        ),
        checkpoint=CheckpointConfig(every_steps=5000, best=("stft:min", "loss:min")),
        evaluation=EvaluationConfig(suites=("scene",), num_pairs=1024, batch_size=16),
    )
