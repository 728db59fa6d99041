"""Sound of Pixels on toy_band: what `make demo` trains, in minutes on two cores."""

from spatialjax.data import DataConfig
from spatialjax.losses import LossWeight
from spatialjax.models import FrameNet
from spatialjax.tasks import PixelsConfig
from spatialjax.training import (
    CheckpointConfig,
    Experiment,
    OptimizerConfig,
    OptimizerKind,
    ScheduleConfig,
    ScheduleKind,
    TrainingConfig,
)
from spatialjax.vision import Standardisation


def get_config() -> Experiment:
    return Experiment(
        name="pixels_toy",
        task=PixelsConfig(
            num_samples=8191,  # 0.74 s, 32 frames
            log_frequency_rows=128,
            image_size=64,
            standardisation=Standardisation.PER_IMAGE,
            num_channels=16,
            sound_downs=5,
            sound_width=16,
            frame_net=FrameNet.SMALL,
            loss_weight=LossWeight.SQRT,
            mask_threshold=None,
            mixture_consistency=True,
        ),
        data=DataConfig(
            dataset="toy_band",
            batch_size=16,
            image_spacing_s=0.25,
            centre_margin_s=0.5,
            class_distinct=True,
        ),
        optimizer=OptimizerConfig(
            kind=OptimizerKind.ADAM,
            learning_rate=3e-3,
            schedule=ScheduleConfig(kind=ScheduleKind.COSINE, warmup_steps=100),
        ),
        training=TrainingConfig(num_steps=1200, validate_every_steps=400),
        checkpoint=CheckpointConfig(
            every_steps=400, best=("si_sdr_improvement_db:max", "loss:min")
        ),
    )
