"""Tiny films and sounds of many channels, each with a tone of its own."""

import fractions

import av
import numpy as np

RATE_HZ = 48000


def tones(channels, seconds=0.5, rate_hz=RATE_HZ):
    """Sines ``[c, t]`` float32 of 300, 500, 700, ... Hz."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    frequency_hz = 300 + 200 * np.arange(channels)
    sines = 0.3 * np.sin(2 * np.pi * frequency_hz[:, None] * time_s[None])
    return sines.astype(np.float32)


def write_sound(path, codec, layout, samples, options=None, container_options=None):
    """Write samples ``[c, t]`` in a codec and layout of FFmpeg."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=RATE_HZ, layout=layout)
        stream.options = options or {}
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
        frame.sample_rate, frame.pts = RATE_HZ, 0
        frame.time_base = fractions.Fraction(1, RATE_HZ)
        resampler = av.AudioResampler(stream.format, layout, RATE_HZ)
        for part in resampler.resample(frame):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def read_sound(path):
    """Layout, and samples ``[c, t]`` with the time of the first, as FFmpeg decodes."""
    chunks, start_s = [], None
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        layout = stream.codec_context.layout.name
        # Packed: PyAV miscounts the planes of eight channels and more.
        resampler = av.AudioResampler("flt")
        for frame in container.decode(stream):
            start_s = frame.time if start_s is None else start_s
            for part in resampler.resample(frame):
                num = part.layout.nb_channels
                chunks.append(part.to_ndarray().reshape(-1, num).T)
    return layout, np.concatenate(chunks, 1), start_s


def frequencies_hz(samples):
    """The strongest frequency of each channel, to 2 Hz."""
    window = np.hanning(samples.shape[1])
    power = np.abs(np.fft.rfft(samples * window[None], 2**16))
    return power.argmax(1) * RATE_HZ / 2**16


def packets(path):
    """Stream, bytes, and times in seconds of each packet of a file."""
    with av.open(str(path)) as container:
        return [
            (
                packet.stream_index,
                bytes(packet),
                round(float(packet.pts * packet.time_base), 6),
            )
            for packet in container.demux()
            if packet.size
        ]


def write_pictures(
    path,
    num=20,
    rate_hz=25,
    start_s=0.0,
    flash=None,
    codec="libx264",
    options=None,
    size=(64, 128),
):
    """Write dark pictures with B-frames, one of which may be white."""
    base = fractions.Fraction(1, 12800)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz)
        stream.height, stream.width = size
        stream.options = {"bf": "3", "g": "12"} if options is None else options
        stream.codec_context.time_base = base
        for number in range(num):
            level = 255 if number == flash else 2 * number % 128
            picture = np.full((*size, 3), level, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = (
                round((start_s + number / rate_hz) / base),
                base,
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
