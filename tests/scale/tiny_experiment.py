"""A network of Sound of Pixels that trains in no time, for `launch.train`."""

from spatialjax.data import DataConfig
from spatialjax.evaluation import EvaluationConfig
from spatialjax.models import FrameNet
from spatialjax.tasks import PixelsConfig
from spatialjax.training import (
    CheckpointConfig,
    Experiment,
    OptimizerConfig,
    OptimizerKind,
    TrainingConfig,
)
from tests.data.tiny import RATE_HZ


def get_config():
    return Experiment(
        task=PixelsConfig(
            sample_rate_hz=RATE_HZ,
            num_samples=1023,
            num_images=2,
            image_size=16,
            n_fft=254,
            hop=128,
            log_frequency_rows=32,
            num_channels=4,
            sound_downs=3,
            sound_width=2,
            frame_net=FrameNet.SMALL,
            frame_widths=(4, 8),
        ),
        data=DataConfig(
            dataset="tiny_clips",
            batch_size=24,
            image_spacing_s=0.4,
            centre_margin_s=1.0,
            num_threads=1,
        ),
        optimizer=OptimizerConfig(OptimizerKind.ADAM, learning_rate=1e-3),
        training=TrainingConfig(20, log_every_steps=1, validate_every_steps=0),
        checkpoint=CheckpointConfig(every_steps=5),
        evaluation=EvaluationConfig(num_pairs=7, batch_size=4, num_bootstrap=20),
    )
