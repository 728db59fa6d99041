"""The published network, narrow, on toy_sphere: a rival for `ambix_toy`.

It hears 2.1 s at the 16 kHz of that world; at 48 kHz it would be 0.7 s.
"""

from spatialjax.data import DataConfig
from spatialjax.evaluation import EvaluationConfig
from spatialjax.tasks import Head, PublishedConfig, SpatialAudioConfig
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
        name="ambix_toy_published",
        task=SpatialAudioConfig(
            head=Head.PUBLISHED,
            sample_rate_hz=16000,
            n_fft=1024,
            hop=256,
            image_height=64,
            published=PublishedConfig(
                num_tracks=8,
                audio_width=8,
                audio_units=256,
                visual_width=16,
                visual_depth=(1, 1, 1, 1),
                visual_reduced_units=64,
                visual_units=256,
                localization_units=(256, 256),
                separation_units=128,
            ),
        ),
        data=DataConfig(
            dataset="toy_sphere",
            batch_size=16,
            centre_margin_s=0.3,
            image_scale=1.0,
            flip=False,
        ),
        optimizer=OptimizerConfig(
            kind=OptimizerKind.ADAM,
            learning_rate=1e-3,
            schedule=ScheduleConfig(kind=ScheduleKind.COSINE, warmup_steps=50),
        ),
        training=TrainingConfig(num_steps=2000, validate_every_steps=1000),
        checkpoint=CheckpointConfig(every_steps=1000, best=("stft:min", "loss:min")),
        evaluation=EvaluationConfig(suites=("scene",), batch_size=16),
    )
