"""Sound of Pixels on MUSIC-21: as `pixels_music`, with the 893 training clips of the
iQuery split (Chen et al., 2023) and no two sources of one class.
"""

from configs import pixels_music
from spatialjax.training import Experiment

STEPS_PER_EPOCH = 893 * 100 // 80


def get_config() -> Experiment:
    config = pixels_music.get_config()
    config.name = "pixels_music21"
    config.data.dataset = "av_clips/music21"
    config.data.class_distinct = True
    config.optimizer.schedule.boundaries = (40 * STEPS_PER_EPOCH, 80 * STEPS_PER_EPOCH)
    config.training.num_steps = 100 * STEPS_PER_EPOCH
    config.training.validate_every_steps = STEPS_PER_EPOCH
    config.checkpoint.every_steps = STEPS_PER_EPOCH
    return config
