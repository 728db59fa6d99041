"""spatialaudiogen on REC-Street: as `ambix_yt_all`, with streets, which are quieter."""

from configs import ambix_yt_all
from spatialjax.training import Experiment


def get_config() -> Experiment:
    config = ambix_yt_all.get_config()
    config.name = "ambix_rec_street"
    config.data.dataset = "ambix_video/rec_street_1"
    config.data.silence_rms = 0.01
    return config
