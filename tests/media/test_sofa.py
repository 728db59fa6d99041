import sys

import h5py
import numpy as np
import pytest

from spatialjax.errors import MediaError
from spatialjax.media import read_sofa

# Front, left, behind and above, half below: azimuth and elevation in degrees, metres.
SPHERICAL = np.array([[0, 0, 1.2], [90, 0, 1.2], [180, 30, 1.4], [-45, -45, 2.0]])
HALF = np.sqrt(0.5)
DIRECTION = [
    [1, 0, 0],
    [0, 1, 0],
    [-np.sqrt(3) / 2, 0, 0.5],
    [HALF * HALF, -HALF * HALF, -HALF],
]
FILTERS = np.random.default_rng(0).normal(size=(4, 2, 5))


def write(path, attributes=(), kinds=(), **fields):
    """A SOFA file as the convention has it; None leaves a field or attribute out."""
    fields = {
        "Data.IR": FILTERS,
        "Data.SamplingRate": [48000.0],
        "Data.Delay": [[0.0, 0.0]],
        "SourcePosition": SPHERICAL,
        "ReceiverPosition": [[[0], [0.09], [0]], [[0], [-0.09], [0]]],
        "ListenerPosition": [[0.0, 0.0, 0.0]],
        "ListenerView": [[1.0, 0.0, 0.0]],
        "ListenerUp": [[0.0, 0.0, 1.0]],
    } | {name.replace("Data", "Data."): value for name, value in fields.items()}
    kinds = {
        "SourcePosition": "spherical",
        "ReceiverPosition": "cartesian",
        "ListenerView": "cartesian",
    } | dict(kinds)
    attributes = {
        "Conventions": "SOFA",
        "SOFAConventions": np.bytes_("SimpleFreeFieldHRIR"),
    } | dict(attributes)
    with h5py.File(path, "w") as file:
        file.attrs.update({k: v for k, v in attributes.items() if v is not None})
        for name, values in fields.items():
            if values is not None:
                file[name] = np.asarray(values)
        for name, kind in kinds.items():
            file[name].attrs["Type"] = np.bytes_(kind)
    return path


def test_a_file_comes_back_as_arrays(tmp_path):
    sofa = read_sofa(write(tmp_path / "a.sofa"))
    np.testing.assert_allclose(sofa.direction, DIRECTION, atol=1e-15)
    np.testing.assert_allclose(sofa.distance_m, SPHERICAL[:, 2])
    np.testing.assert_array_equal(sofa.filters, FILTERS.astype(np.float32))
    assert sofa.filters.dtype == np.float32
    assert sofa.sample_rate_hz == 48000
    np.testing.assert_array_equal(sofa.delay_samples, np.zeros((4, 2)))


def test_cartesian_and_spherical_positions_agree(tmp_path):
    points = np.array(DIRECTION) * SPHERICAL[:, 2:]
    path = write(
        tmp_path / "a.sofa",
        SourcePosition=points,
        kinds={"SourcePosition": "cartesian", "ListenerView": "spherical"},
        ListenerView=[[0.0, 0.0, 1.0]],
    )
    sofa = read_sofa(path)
    np.testing.assert_allclose(sofa.direction, DIRECTION, atol=1e-15)
    np.testing.assert_allclose(sofa.distance_m, SPHERICAL[:, 2])


def test_the_left_ear_comes_first_however_the_file_has_them(tmp_path):
    path = write(
        tmp_path / "a.sofa",
        ReceiverPosition=[[0, -0.09, 0], [0, 0.09, 0]],
        DataDelay=np.arange(8).reshape(4, 2),
    )
    sofa = read_sofa(path)
    np.testing.assert_array_equal(sofa.filters, FILTERS[:, ::-1].astype(np.float32))
    np.testing.assert_array_equal(sofa.delay_samples[1], [3, 2])


def test_one_delay_serves_all_sources(tmp_path):
    sofa = read_sofa(write(tmp_path / "a.sofa", DataDelay=[[1.5, 2.0]]))
    np.testing.assert_array_equal(sofa.delay_samples, [[1.5, 2.0]] * 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attributes": {"Conventions": None, "SOFAConventions": None}}, "no SOFA"),
        ({"attributes": {"SOFAConventions": "SingleRoomSRIR"}}, "SOFA SingleRoomSRIR"),
        ({"DataIR": None}, "no field Data.IR"),
        ({"DataIR": FILTERS[:, :1]}, r"\[4, 1, 5\], expected \[q, 2, taps\]"),
        ({"DataIR": FILTERS * np.nan}, "Data.IR holds values that are not finite"),
        ({"DataIR": np.array([["loud"]], "S4")}, "Data.IR does not hold numbers"),
        ({"DataSamplingRate": [44100.0, 48000.0]}, "44100.0, 48000.0.*one whole"),
        ({"DataSamplingRate": [44100.5]}, "44100.5"),
        ({"DataDelay": [[0.0, 0.0]] * 3}, r"Data.Delay has shape \[3, 2\]"),
        ({"SourcePosition": SPHERICAL[:3]}, r"SourcePosition has shape \[3, 3\]"),
        ({"SourcePosition": SPHERICAL * [1, 1, 0]}, "centre of the head"),
        ({"kinds": {"SourcePosition": "harmonics"}}, "'harmonics', expected cartesian"),
        ({"ListenerView": [[0.0, 1.0, 0.0]]}, r"ListenerView is \[0.0, 1.0, 0.0\]"),
        ({"ListenerPosition": [[0.0, 0.0, 1.7]]}, r"ListenerPosition is .*1.7"),
        ({"ReceiverPosition": [[0, 0.09, 0]]}, "no left ear from a right one"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, change, message):
    path = write(tmp_path / "a.sofa", **change)
    with pytest.raises(MediaError, match=f"a.sofa.*{message}"):
        read_sofa(path)


def test_files_of_another_kind_are_refused(tmp_path):
    with pytest.raises(MediaError, match=r"a\.sofa cannot be read"):
        read_sofa(tmp_path / "a.sofa")
    (tmp_path / "a.sofa").write_bytes(b"RIFF" * 100)
    with pytest.raises(MediaError, match=r"a\.sofa cannot be read"):
        read_sofa(tmp_path / "a.sofa")
    path = write(tmp_path / "b.sofa")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(MediaError, match=r"b\.sofa cannot be read"):
        read_sofa(path)
    content = bytearray(write(path).read_bytes())
    content[content.index(b"SNOD")] = 0
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"b\.sofa cannot be read"):
        read_sofa(path)


def with_bytes(path, *changes):
    """Set bytes of a file, each ``(after, distance, new)``."""
    content = bytearray(path.read_bytes())
    for after, distance, new in changes:
        start = content.index(after) + distance
        content[start : start + len(new)] = new
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("new", [bytes(8), b"\x41" + bytes(7), b"\xff" * 8])
def test_a_heap_without_end_is_refused(tmp_path, new):
    """HDF5 would walk through its free space for ever."""
    path = with_bytes(write(tmp_path / "a.sofa"), (b"GCOL", 48, new))
    with pytest.raises(MediaError, match=r"a\.sofa is damaged: its texts have no end"):
        read_sofa(path)


@pytest.mark.parametrize("new", [b"\x66", b"\x00\xff", b"\x00\x02"])
def test_a_text_of_another_type_is_refused(tmp_path, new):
    """HDF5 crashes where it takes a text for a list of texts."""
    place = (b"Conventions\0\0\0\0\0\x19", 17, new)
    with pytest.raises(MediaError, match=r"a\.sofa"):
        read_sofa(with_bytes(write(tmp_path / "a.sofa"), place))


def test_more_numbers_than_the_file_holds_are_refused(tmp_path):
    """Before there is room made for them."""
    with h5py.File(write(tmp_path / "a.sofa", DataIR=None), "a") as file:
        file.create_dataset("Data.IR", (2**20, 2, 2**20), "f4", chunks=(1, 2, 2**20))
    with pytest.raises(MediaError, match=r"a\.sofa: Data\.IR holds fewer numbers"):
        read_sofa(tmp_path / "a.sofa")


def test_compressed_fields_are_read(tmp_path):
    filters = np.tile(FILTERS[:, :, :1], 5000)
    with h5py.File(write(tmp_path / "a.sofa", DataIR=None), "a") as file:
        file.create_dataset("Data.IR", data=filters, chunks=True, compression=9)
    sofa = read_sofa(tmp_path / "a.sofa")
    np.testing.assert_array_equal(sofa.filters, filters.astype(np.float32))


def test_what_is_no_field_is_refused(tmp_path):
    with h5py.File(write(tmp_path / "a.sofa", DataIR=None), "a") as file:
        file["Data.IR"] = np.dtype("f8")
    with pytest.raises(MediaError, match=r"a\.sofa: Data\.IR does not hold numbers"):
        read_sofa(tmp_path / "a.sofa")


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MediaError, match=r'pip install -e "\.\[sofa\]"'):
        read_sofa(tmp_path / "a.sofa")
