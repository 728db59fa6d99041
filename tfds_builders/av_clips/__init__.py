"""Any folder or index of recordings with sound and pictures."""

from tfds_builders.av_clips.av_clips import AvClips, AvClipsConfig
from tfds_builders.av_clips.clip import AvClip, Settings

__all__ = ["AvClip", "AvClips", "AvClipsConfig", "Settings"]
