"""A small collection of raw videos, and what is below a folder."""

from tests.media.make import number_picture, tone, write_video

RATE_HZ = 22050


def write_collection(root, labels=("cello", "tuba"), per_class=2, seconds=1.0):
    """``root/LABEL/NUMBER.mp4`` with a tone and numbered pictures of their own each."""
    for i, label in enumerate(labels):
        (root / label).mkdir(parents=True)
        for number in range(per_class):
            first = 40 * i + 10 * number
            pictures = [number_picture(first + k) for k in range(round(8 * seconds))]
            sound = tone(seconds, RATE_HZ, 300.0 + 50 * first)
            write_video(root / label / f"{number}.mp4", pictures, 8, sound, RATE_HZ)
    return root


def files_of(folder):
    """The bytes of every file below a folder, by its path; {} where there is none."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
