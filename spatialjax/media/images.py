"""Pictures: folders of image files, their size, and JPEG."""

import io
import itertools
import pathlib

from PIL import Image, ImageOps

from spatialjax.errors import MediaError
from spatialjax.media.container import FilePath

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def list_images(folder: FilePath) -> list[pathlib.Path]:
    """The image files of a folder in order of their numbers, or else of their names.

    Names that are numbers (000001.jpg, 000002.jpg, ...) must have no gap, as each gap
    would shift all later pictures in time.

    Raises:
      MediaError: no such folder, no permission, no image in it, or a missing number.
    """
    folder = pathlib.Path(folder)
    try:
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "does not exist"
            raise MediaError(f"{folder} {what}, expected a folder of images")
        entries = list(folder.iterdir())
    except OSError as error:
        raise MediaError(f"{folder} cannot be read: {error.strerror}") from error
    paths = sorted(path for path in entries if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise MediaError(f"{folder} has no images ({' '.join(IMAGE_SUFFIXES)})")
    if not all(path.stem.isdecimal() for path in paths):
        return paths
    paths.sort(key=lambda path: int(path.stem))
    for path, following in itertools.pairwise(paths):
        if int(following.stem) != int(path.stem) + 1:
            raise MediaError(
                f"{folder}: {path.name} is followed by {following.name}, expected "
                f"number {int(path.stem) + 1}"
            )
    return paths


def resize_short_side(image: Image.Image, short_side: int) -> Image.Image:
    """The picture with its short side reduced to `short_side` pixels, aspect kept.

    Bicubic with antialiasing, mode L or RGB. A smaller picture stays as it is:
    enlarging adds bytes and no detail, and whoever crops enlarges by need.
    """
    factor = short_side / min(image.size)
    if factor >= 1:
        return image
    if image.mode not in ("L", "RGB"):
        # Of a palette, Pillow would take the nearest pixel, whatever it is told.
        image = image.convert("RGB")
    width, height = (max(short_side, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def encode_jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """A picture as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def read_jpeg(
    path: FilePath, short_side: int, quality: int = 90
) -> tuple[bytes, tuple[int, int]]:
    """An image file as JPEG bytes with its short side at most `short_side` pixels.

    A JPEG file that is small enough is taken over byte for byte, but decoded once, so
    that a broken one is found here.

    Returns:
      The bytes, and (width, height).

    Raises:
      MediaError: the file is missing, cut off or no picture.
    """
    try:
        content = pathlib.Path(path).read_bytes()
        with Image.open(io.BytesIO(content)) as image:
            kept = image.format == "JPEG" and image.mode == "RGB"
            image.load()
            upright = ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError(f"{path} cannot be decoded: {error}") from error
    resized = resize_short_side(upright, short_side)
    if kept and resized.size == image.size and image.getexif().get(0x0112, 1) == 1:
        return content, resized.size
    return encode_jpeg(resized, quality), resized.size
