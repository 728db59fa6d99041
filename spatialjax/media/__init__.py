"""Decode and encode media files in this process."""

from spatialjax.media.audio import (
    AudioReader,
    Sound,
    float_to_int16,
    read_audio,
    stream_audio,
    write_wav,
)
from spatialjax.media.chunks import rechunk
from spatialjax.media.container import AudioStream, MediaInfo, VideoStream, probe
from spatialjax.media.files import cannot_write, room_advice, write_file
from spatialjax.media.film_writer import write_film
from spatialjax.media.folders import check_replaceable, replaced_folder
from spatialjax.media.images import (
    encode_jpeg,
    list_images,
    read_jpeg,
    resize_short_side,
)
from spatialjax.media.sofa import SofaHrirs, read_sofa
from spatialjax.media.video import sample_images
from spatialjax.media.wav_writer import write_wav_stream

__all__ = [
    "AudioReader",
    "AudioStream",
    "MediaInfo",
    "SofaHrirs",
    "Sound",
    "VideoStream",
    "cannot_write",
    "check_replaceable",
    "encode_jpeg",
    "float_to_int16",
    "list_images",
    "probe",
    "read_audio",
    "read_jpeg",
    "rechunk",
    "read_sofa",
    "replaced_folder",
    "resize_short_side",
    "room_advice",
    "sample_images",
    "stream_audio",
    "write_file",
    "write_film",
    "write_wav",
    "write_wav_stream",
]
