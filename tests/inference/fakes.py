"""A separator whose masks are known: red places pass low tones, blue ones high."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from spatialjax.inference import Separator
from spatialjax.tasks.base import Variables, WindowSpec
from tests.media.make import tone, write_video

RATE_HZ = 8000
RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (0, 0, 0)
LOW_HZ, HIGH_HZ = 500.0, 3000.0


@dataclass(frozen=True)
class ColourTask:
    """A place passes the lower half of the bins by its red, the upper by its blue.

    Where `is_open`, all places let everything through.
    """

    is_open: bool = False

    @property
    def window_spec(self):
        return WindowSpec(RATE_HZ, 64, 16, 32, 3, 32)

    def hear(self, variables, magnitude):
        return magnitude

    def see(self, variables, images):
        b, v, h, w, _ = images.shape
        cells = images.reshape(b, v, h // 16, 16, w // 16, 16, 3) / 255.0
        return cells.mean((1, 3, 5))

    def query(self, places, regions):
        inside = jnp.asarray(regions, bool)[None, ..., None]
        return jnp.where(inside, places[:, None], 0.0).max((2, 3))

    def masks(self, variables, features, query):
        b, f, k = features.shape
        if self.is_open:
            return jnp.ones((b, query.shape[1], f, k))
        is_low = jnp.arange(f) < f // 2
        share = jnp.where(is_low, query[..., :1], query[..., 2:])
        return jnp.broadcast_to(share[..., None], (b, query.shape[1], f, k))


def separator(**fields):
    return Separator(ColourTask(**fields), Variables({}, {}), 0.25)


def halves(left=RED, right=BLUE, height=64, width=128):
    """A picture of two colours side by side."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2] = left
    picture[:, width // 2 :] = right
    return picture


def two_tones(seconds, rate_hz=RATE_HZ, level=0.25):
    """A low and a high tone, ``[2, t]``."""
    return np.stack(
        [tone(seconds, rate_hz, hz, level=level) for hz in (LOW_HZ, HIGH_HZ)]
    )


def write_duet(path, seconds=3.0, sound=None, rate_hz=RATE_HZ, **options):
    """A film of a red and a blue half with both tones; its sound ``[c, t]`` or ``[t]``.

    As .mkv its samples are kept exactly.
    """
    if sound is None:
        sound = two_tones(seconds, rate_hz).sum(0)
    sound = np.asarray(sound, np.float32)
    pictures = [halves()] * max(1, round(8 * seconds))
    write_video(path, pictures, 8, sound.T, rate_hz, sound_codec="pcm_f32le", **options)
    return sound if sound.ndim == 2 else sound[None]
