"""A folder as a separation leaves it: a film of two halves, and a tone for each."""

import numpy as np

from spatialjax.inference.regions import Region
from spatialjax.inference.scene import Scene
from spatialjax.media import write_film, write_wav

RATE_HZ = 8000
MAP_S = 0.25
PICTURE = (48, 64)
TONES_HZ = (440, 880)
LOUD_UNTIL_S = 6.0
DURATION_S = 40.0  # long enough for the slowest machine to be heard before the end
LOUD = 200


def halves(grid=(4, 4)):
    left = np.zeros(grid, bool)
    left[:, : grid[1] // 2] = True
    return left, ~left


def tone(frequency_hz, duration_s):
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return 0.25 * np.sin(2 * np.pi * frequency_hz * time_s)[None].astype(np.float32)


def scene_of(regions, duration_s=DURATION_S, channels=1):
    """A scene whose left half is loud until `LOUD_UNTIL_S`, and silent elsewhere."""
    grid = regions[0].places.shape if regions else (4, 4)
    maps_db = np.zeros((round(duration_s / MAP_S), *grid), np.uint8)
    maps_db[: round(LOUD_UNTIL_S / MAP_S), :, : grid[1] // 2] = LOUD
    levels_db = np.full((round(duration_s / 0.25), len(regions)), -15.0)
    return Scene(
        sample_rate_hz=RATE_HZ,
        channels=channels,
        duration_s=duration_s,
        start_s=0.0,
        picture_size=PICTURE,
        regions=tuple(regions),
        files=tuple(f"sources/{n}.wav" for n in range(1, len(regions) + 1)),
        levels_db=levels_db - 6.0 * np.arange(len(regions)),
        map_s=MAP_S,
        maps_db=maps_db,
        colours=np.full((*grid, 3), 128, np.uint8),
    )


def fill_folder(folder, scene):
    """Write what a page needs beside it: a tone for each source, their sum, a film."""
    tones = [tone(TONES_HZ[n % 2], scene.duration_s) for n in range(len(scene.files))]
    for file, samples in zip(scene.files, tones, strict=True):
        write_wav(folder / file, samples, RATE_HZ)
    mixture = sum(tones, 0 * tone(1, scene.duration_s))
    write_wav(folder / "mixture.wav", mixture, RATE_HZ)
    image = np.zeros((*scene.picture_size, 3), np.uint8)
    image[:, : image.shape[1] // 2, 0] = 255
    image[:, image.shape[1] // 2 :, 2] = 255
    num_images = max(round(10 * scene.duration_s), 1)
    write_film(folder / "film.mp4", [image] * num_images, 10, [mixture], RATE_HZ)


def two_halves(names=("A", "B")):
    return [Region(name, places) for name, places in zip(names, halves(), strict=True)]
