r"""How well films of two instruments are separated and located: the README's table.

    python -m tests.inference.duet_scores --workdir=runs/demo/seed0 --data_dir=data

writes each duet of toy_band as a film and separates it as launch.separate does: with
the boxes of the instruments, and by two objects that nobody pointed at. An instrument
is located if the place that lets most of it through lies in its box: of all energy
where it alone sounds, of its own sound where both do.
"""

import argparse
import io
import json
import pathlib
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
import soundfile
from PIL import Image

from spatialjax.audio import PostFilter
from spatialjax.data import open_dataset
from spatialjax.inference import SeparationOptions, Separator, separate_film
from spatialjax.metrics import bss_eval_sources, si_sdr_db
from spatialjax.training import load_trained
from tests.media.make import write_video

FILTERS = [PostFilter.NONE, PostFilter.MIXTURE_CONSISTENCY, PostFilter.WIENER]
ADAPTIVE = [PostFilter.LMS, PostFilter.NLMS, PostFilter.RLS]


def score(separator, dataset, clip, folder):
    """Improvements in dB (SDR, SI-SDR) and hits (0 or 1) of one duet, by name."""
    samples, jpegs = dataset.read(clip, 0, clip.num_samples, range(clip.num_images))
    sources = samples[:, 0] / 2.0**16
    pictures = [
        np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")) for jpeg in jpegs
    ]

    def separate(sound, **options):
        path = folder / "film.mkv"
        rate_hz = dataset.sample_rate_hz
        sound = sound.astype(np.float32)
        rate = clip.image_rate_hz
        write_video(path, pictures, rate, sound, rate_hz, sound_codec="pcm_f32le")
        with tempfile.TemporaryDirectory(dir=folder) as name:
            place = pathlib.Path(name)
            scene = separate_film(
                separator, str(path), place, SeparationOptions(**options)
            )
            return scene, np.stack([soundfile.read(place / f)[0] for f in scene.files])

    found = {}
    mixture = sources.sum(0)
    boxes = write_boxes(folder / "boxes.json", clip.boxes)
    for kind in (*FILTERS, *ADAPTIVE):
        _, estimates = separate(mixture, boxes=boxes, postfilter=kind)
        found[f"boxes, {kind.value}"] = improvement(estimates, sources)
    _, estimates = separate(mixture, num_objects=2)
    both = [improvement(estimates[order], sources) for order in ([0, 1], [1, 0])]
    found["two objects, wiener"] = max(both)
    scene, estimates = separate(mixture, is_grid=True)
    grid = scene.maps_db.shape[1:]
    for source, box in zip(sources, clip.boxes, strict=True):
        own = np.square(estimates @ source[: estimates.shape[1]]).reshape(grid)
        found.setdefault("located in the mixture", []).append(is_inside(own, box))
        alone, _ = separate(source, points="0,0")
        energy = (10.0 ** (alone.maps_db * (12.0 / 255))).mean(0)
        found.setdefault("located alone", []).append(is_inside(energy, box))
    return {name: np.reshape(values, (-1, 2)) for name, values in found.items()}


def write_boxes(path, boxes):
    """Boxes (top, left, height, width) in the form of the program."""
    entries = [
        {"box": [left, top, left + width, top + height]}
        for top, left, height, width in boxes
    ]
    path.write_text(json.dumps(entries))
    return str(path)


def improvement(estimates, sources):
    """Means over the sources of the improvement in dB, [SDR, SI-SDR]."""
    length = min(estimates.shape[1], sources.shape[1])
    sources, estimates = sources[:, :length], estimates[:, :length]
    mixtures = np.stack([sources.sum(0)] * 2)
    sdr = bss_eval_sources(sources, estimates).sdr_db
    before = bss_eval_sources(sources, mixtures).sdr_db
    si_sdr = si_sdr_db(jnp.asarray(estimates), jnp.asarray(sources))
    si_before = si_sdr_db(jnp.asarray(mixtures), jnp.asarray(sources))
    return [float((sdr - before).mean()), float((si_sdr - si_before).mean())]


def is_inside(places, box):
    """Whether the largest place touches a box (top, left, height, width)."""
    row, column = np.unravel_index(places.argmax(), places.shape)
    top, left, height, width = box
    rows, columns = places.shape
    return (
        top < (row + 1) / rows
        and row / rows < top + height
        and left < (column + 1) / columns
        and column / columns < left + width
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--data_dir", default="data")
    parser.add_argument("--num_duets", type=int, default=64)
    given = parser.parse_args()
    jax.config.update("jax_numpy_rank_promotion", "raise")
    trained = load_trained(given.workdir)
    separator = Separator(
        trained.task, trained.variables, trained.experiment.data.image_spacing_s
    )
    dataset = open_dataset(given.data_dir, "toy_band")
    scores = {}
    with tempfile.TemporaryDirectory() as folder:
        for clip in dataset.split("duets")[: given.num_duets]:
            found = score(separator, dataset, clip, pathlib.Path(folder))
            for name, values in found.items():
                scores.setdefault(name, []).append(values)
    print(f"step {trained.step}, {len(scores['located alone'])} duets")
    for name, values in scores.items():
        mean = np.mean(values, (0, 1))
        if name.startswith("located"):
            print(f"{name:32} {100 * mean.mean():.1f} %")
        else:
            print(f"{name:32} SDR {mean[0]:+.2f} dB, SI-SDR {mean[1]:+.2f} dB")


if __name__ == "__main__":
    main()
