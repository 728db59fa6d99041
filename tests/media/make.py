"""Tiny media for tests: pictures that carry a number, sounds with a known onset."""

import fractions

import av
import numpy as np
import soundfile
from PIL import Image

SIZE = 64
BITS = 8
LAYOUTS = {1: "mono", 2: "stereo", 4: "4.0", 6: "5.1"}


def number_picture(number, height=SIZE, width=SIZE):
    """A picture ``[h, w, 3]`` whose columns are the bits of a number, top half only.

    The lower half is mid-grey, so that a turned picture is seen to be turned.
    """
    bits = [(number >> bit) & 1 for bit in range(BITS)]
    row = np.repeat(np.array(bits, np.uint8) * 255, width // BITS)
    picture = np.full((height, width, 3), 128, np.uint8)
    picture[: height // 2] = row[None, :, None]
    return picture


def read_number(image):
    """The number that a picture, an array or an image of any size, carries."""
    picture = np.asarray(image)
    height, width = picture.shape[:2]
    columns = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    return sum(
        int(value > 127) << bit
        for bit, value in enumerate(picture[height // 4, columns, 0])
    )


def tone(seconds, rate_hz, frequency_hz=440.0, onset_s=0.0, level=0.5):
    """A sine ``[t]`` float64 that is silent before its onset."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    sine = level * np.sin(2 * np.pi * frequency_hz * (time_s - onset_s))
    return np.where(time_s >= onset_s, sine, 0.0)


def write_sound(path, samples, rate_hz, codec=None):
    """Write samples ``[t]`` or ``[t, c]``, by soundfile or in a codec of FFmpeg."""
    if codec is None:
        soundfile.write(path, samples, rate_hz)
        return
    with av.open(str(path), "w") as container:
        layout = "mono" if np.ndim(samples) == 1 else "stereo"
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        _mux_sound(container, stream, samples, rate_hz)


def write_video(
    path,
    pictures,
    rate_hz,
    sound=None,
    sound_rate_hz=22050,
    times_s=None,
    rotation=0,
    aspect=None,
    sound_start_s=0.0,
    sound_codec="aac",
):
    """Write pictures as H.264, at an even rate or at the given times, and a sound.

    The sound is ``[t]`` or ``[t, c]``; PCM, as in .mkv, is kept exactly.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=round(rate_hz))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "10", "bf": "0"}
        if sound is not None:
            channels = 1 if np.ndim(sound) == 1 else np.shape(sound)[1]
            sound_stream = container.add_stream(
                sound_codec, rate=sound_rate_hz, layout=LAYOUTS[channels]
            )
        base = fractions.Fraction(1, 1000)
        stream.codec_context.time_base = base
        if rotation:
            stream.set_display_rotation(rotation)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            time_s = index / rate_hz if times_s is None else times_s[index]
            frame.pts, frame.time_base = round(time_s * 1000), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _mux_sound(container, sound_stream, sound, sound_rate_hz, sound_start_s)


def without_decoder(path, codec):
    """Give the streams of a codec, in a .mkv file, one that nobody knows."""
    known = {"aac": b"A_AAC", "h264": b"V_MPEG4/ISO/AVC"}[codec]
    content = path.read_bytes()
    path.write_bytes(content.replace(known, known[:-3] + b"XYZ"))


def _mux_sound(container, stream, samples, rate_hz, start_s=0.0):
    samples = np.asarray(samples, np.float32)
    samples = samples[:, None] if samples.ndim == 1 else samples
    layout = stream.layout.name
    packed = np.ascontiguousarray(samples.T)
    frame = av.AudioFrame.from_ndarray(packed, format="fltp", layout=layout)
    frame.sample_rate, frame.pts = rate_hz, round(start_s * rate_hz)
    frame.time_base = fractions.Fraction(1, rate_hz)
    resampler = av.AudioResampler(
        format=stream.format, layout=layout, rate=rate_hz, frame_size=stream.frame_size
    )
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def write_images(folder, pictures, pattern="{:06d}.jpg", first=1):
    """Write pictures as numbered files, from 000001.jpg on."""
    folder.mkdir(parents=True)
    for index, picture in enumerate(pictures, first):
        Image.fromarray(picture).save(folder / pattern.format(index), quality=95)
