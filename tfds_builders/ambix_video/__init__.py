"""360 degree videos with the sound field around them."""

from tfds_builders.ambix_video.ambix_video import AmbixVideo, AmbixVideoConfig
from tfds_builders.ambix_video.clip import PublishedClip, VideoClip
from tfds_builders.ambix_video.settings import Settings

__all__ = ["AmbixVideo", "AmbixVideoConfig", "PublishedClip", "Settings", "VideoClip"]
