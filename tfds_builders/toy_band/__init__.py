"""A procedural audio-visual world that needs no network and no file."""

from tfds_builders.toy_band.clip import render, render_clip
from tfds_builders.toy_band.toy_band import ToyBand, ToyBandConfig
from tfds_builders.toy_band.world import World, plan_clip

__all__ = ["ToyBand", "ToyBandConfig", "World", "plan_clip", "render", "render_clip"]
