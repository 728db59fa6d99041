"""Mono and 360° video to ambisonics on toy_sphere, in minutes on two cores."""

from spatialjax.data import DataConfig
from spatialjax.evaluation import EvaluationConfig
from spatialjax.tasks import DirectionalConfig, SpatialAudioConfig
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
        name="ambix_toy",
        task=SpatialAudioConfig(
            sample_rate_hz=16000,
            n_fft=2048,
            hop=1024,
            num_frames=8,
            image_height=32,
            directional=DirectionalConfig(
                num_rows=128,
                sound_downs=3,
                sound_width=32,
                picture_strided=(16, 32),
                picture_kept=(48, 48),
                num_features=24,
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
            learning_rate=5e-3,
            beta2=0.98,
            schedule=ScheduleConfig(kind=ScheduleKind.COSINE, warmup_steps=50),
        ),
        training=TrainingConfig(num_steps=2000, validate_every_steps=500),
        checkpoint=CheckpointConfig(every_steps=500, best=("stft:min", "loss:min")),
        evaluation=EvaluationConfig(suites=("scene",), batch_size=16),
    )
