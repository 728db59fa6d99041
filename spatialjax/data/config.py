"""Settings of the loader: where the clips lie and how examples are drawn from them."""

from dataclasses import dataclass

from spatialjax.config import register
from spatialjax.errors import ConfigError


@register("data")
@dataclass
class DataConfig:
    """What is read and how an example is drawn from it."""

    data_dir: str = "data"
    """Folder that holds the built datasets."""
    dataset: str = "toy_band"
    """Name of the dataset, ``name`` or ``name/config``."""
    train_split: str = "train"
    validation_split: str = "validation"
    batch_size: int = 16
    """Examples of one global batch, over all processes."""
    image_spacing_s: float = 3.0
    """Time from one picture of an example to the next, in seconds."""
    centre_margin_s: float = 8.0
    """Nearest that a training centre comes to an end of its clip, in seconds."""
    class_distinct: bool = False
    """Whether the sources of a training example are all of different classes."""
    gain_low: float = 0.5
    """Least factor on a source in training."""
    gain_high: float = 1.5
    """Greatest factor on a source in training."""
    silent_probability: float = 0.0
    """Share of the training sources, but the first, that are seen and not heard."""
    silence_rms: float = 0.0
    """Level of the first channel, over the time of one picture and of full scale 1,
    that a training window must exceed; others are drawn in its place."""
    image_scale: float = 1.1
    """Size of a training picture before its random crop, over the size after."""
    flip: bool = True
    """Whether half of the training pictures are mirrored."""
    box_margin: float = 0.1
    """Margin on each side of a duet's box, over the box's longer side."""
    num_threads: int = 2
    """Threads that build batches; 0 builds them where they are asked for."""
    prefetch: int = 4
    """Batches that are built ahead, where there are threads; in each worker."""
    num_workers: int = 0
    """Processes that build batches, each with `num_threads`, best 0; 0 for none."""

    def validate(self) -> None:
        """Check the ranges.

        Raises:
          ConfigError: a value is out of its range.
        """
        least = {
            "batch_size": 1,
            "image_spacing_s": 0,
            "centre_margin_s": 0,
            "gain_low": 0,
            "gain_high": self.gain_low,
            "silent_probability": 0,
            "silence_rms": 0,
            "image_scale": 1,
            "box_margin": 0,
            "num_threads": 0,
            "prefetch": 1,
            "num_workers": 0,
        }
        for name, bound in least.items():
            if not getattr(self, name) >= bound:
                raise ConfigError(
                    f"data.{name} is {getattr(self, name)}, expected {bound} or more"
                )
        if self.silent_probability > 1:
            raise ConfigError(
                f"data.silent_probability is {self.silent_probability}, expected 0 to 1"
            )
        for name in ("data_dir", "dataset", "train_split", "validation_split"):
            if not getattr(self, name):
                raise ConfigError(f"data.{name} is empty, expected a name")
