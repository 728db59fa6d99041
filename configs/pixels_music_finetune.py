"""The synthesizer of a trained model fitted to MUSIC, 20 epochs (the fork's 7.1).

The other networks stand still, their running statistics too, which the fork let move.
Give the trained model by ``--config.init_from.path=WORKDIR``; it is that of the fork's
experiment 5.1, with tanh of the pictures and 16 channels.
"""

from configs import pixels_music_fork
from spatialjax.losses import LossWeight
from spatialjax.nn import Activation
from spatialjax.tasks import Compat, PixelsConfig
from spatialjax.training import Experiment, Group

STEPS_PER_EPOCH = pixels_music_fork.STEPS_PER_EPOCH


def get_config() -> Experiment:
    config = pixels_music_fork.get_config()
    config.name = "pixels_music_finetune"
    config.task = PixelsConfig(
        num_channels=16,
        frame_activation=Activation.TANH,
        loss_weight=LossWeight.NONE,
        compat=Compat.SOUND_OF_PIXELS,
    )
    config.optimizer.groups = {
        "sound": Group("sound/.*", frozen=True, freeze_statistics=True),
        "synthesizer": Group("synthesizer/.*", learning_rate=1e-5),
        "frame": Group("frame/.*", frozen=True, freeze_statistics=True),
    }
    config.optimizer.schedule.boundaries = (40 * STEPS_PER_EPOCH, 80 * STEPS_PER_EPOCH)
    config.training.num_steps = 20 * STEPS_PER_EPOCH
    return config
