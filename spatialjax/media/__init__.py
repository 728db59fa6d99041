"""Decode and encode media files in this process."""

from spatialjax.media.ambix_wav import stream_ambix, write_ambix_wav
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
from spatialjax.media.flow import (
    decode_flow,
    decode_packed_flow,
    encode_flow,
    encode_packed_flow,
    optical_flow,
)
from spatialjax.media.folders import check_replaceable, replaced_folder
from spatialjax.media.images import (
    encode_jpeg,
    list_images,
    read_jpeg,
    resize_short_side,
)
from spatialjax.media.new_file import replaced_file
from spatialjax.media.places import (
    Place,
    WorkingCopy,
    as_place,
    is_url,
    local_path,
    remove_folder,
    store_errors,
    told,
)
from spatialjax.media.player_report import describe_for_players
from spatialjax.media.sofa import SofaHrirs, read_sofa
from spatialjax.media.spatial_boxes import (
    Projection,
    SoundField,
    SphericalPicture,
    StereoMode,
    sound_field_of,
)
from spatialjax.media.spatial_film import write_spatial_film
from spatialjax.media.spatial_metadata import (
    SpatialMetadata,
    inject_spatial_metadata,
    read_spatial_metadata,
)
from spatialjax.media.video import sample_images
from spatialjax.media.wav_writer import write_wav_stream

__all__ = [
    "AudioReader",
    "AudioStream",
    "MediaInfo",
    "Place",
    "Projection",
    "SofaHrirs",
    "Sound",
    "SoundField",
    "SpatialMetadata",
    "SphericalPicture",
    "StereoMode",
    "VideoStream",
    "WorkingCopy",
    "as_place",
    "cannot_write",
    "check_replaceable",
    "decode_flow",
    "decode_packed_flow",
    "describe_for_players",
    "encode_flow",
    "encode_jpeg",
    "encode_packed_flow",
    "float_to_int16",
    "inject_spatial_metadata",
    "is_url",
    "list_images",
    "local_path",
    "optical_flow",
    "probe",
    "read_audio",
    "read_jpeg",
    "rechunk",
    "read_sofa",
    "read_spatial_metadata",
    "remove_folder",
    "replaced_file",
    "replaced_folder",
    "resize_short_side",
    "room_advice",
    "sample_images",
    "sound_field_of",
    "stream_ambix",
    "stream_audio",
    "store_errors",
    "told",
    "write_ambix_wav",
    "write_file",
    "write_film",
    "write_spatial_film",
    "write_wav",
    "write_wav_stream",
]
