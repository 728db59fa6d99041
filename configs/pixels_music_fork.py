"""Sound of Pixels on MUSIC as the VGGSound fork trained it, the base of its trials.

As `pixels_music`, but for: a batch of 20 on one device, every clip once an epoch (468
clips, 23 steps), a loss without weights, and the rate of the whole frame network.
"""

from configs import pixels_music
from spatialjax.losses import LossWeight
from spatialjax.tasks import Compat, PixelsConfig
from spatialjax.training import Experiment, Group

STEPS_PER_EPOCH = 468 // 20


def get_config() -> Experiment:
    config = pixels_music.get_config()
    config.name = "pixels_music_fork"
    config.seed = 42
    config.task = PixelsConfig(
        loss_weight=LossWeight.NONE, compat=Compat.SOUND_OF_PIXELS
    )
    config.data.batch_size = 20
    config.optimizer.groups = {
        "sound": Group("sound/.*"),
        "synthesizer": Group("synthesizer/.*"),
        "frame": Group("frame/.*", learning_rate=1e-4),
    }
    config.optimizer.schedule.boundaries = (40 * STEPS_PER_EPOCH, 80 * STEPS_PER_EPOCH)
    config.training.num_steps = 100 * STEPS_PER_EPOCH
    config.training.validate_every_steps = STEPS_PER_EPOCH
    config.checkpoint.every_steps = STEPS_PER_EPOCH
    return config
