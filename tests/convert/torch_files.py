"""Writes the two layouts of ``.pth`` files, opcode by opcode."""

import struct
import zipfile

import numpy as np

STORAGES = {
    "float32": b"FloatStorage",
    "float64": b"DoubleStorage",
    "float16": b"HalfStorage",
    "int64": b"LongStorage",
}
STOP = b"."
PROTOCOL_2 = b"\x80\x02"


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value):
    return b"J" + struct.pack("<i", value)


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def named(module, name):
    return b"c" + module + b"\n" + name + b"\n"


EMPTY_ORDERED = named(b"collections", b"OrderedDict") + b")R"


def tensor(array, key, *, offset=0, legacy=False):
    size = array.size + offset
    storage = b"(" + text("storage") + named(b"torch", STORAGES[array.dtype.name])
    storage += text(key) + text("cpu") + number(size) + (b"N" if legacy else b"")
    steps = [step // array.itemsize for step in array.strides]
    return (
        named(b"torch._utils", b"_rebuild_tensor_v2")
        + b"("
        + (storage + b"tQ")
        + number(offset)
        + numbers(array.shape)
        + numbers(steps)
        + b"\x89"
        + EMPTY_ORDERED
        + b"tR"
    )


def parameter(content):
    """The tensor that `content` builds, as an `nn.Parameter` without hooks."""
    name = named(b"torch._utils", b"_rebuild_parameter")
    return name + b"(" + content + b"\x88" + EMPTY_ORDERED + b"tR"


def state_dict(arrays, *, legacy=False, parameters=False):
    wrap = parameter if parameters else lambda content: content
    items = b"".join(
        text(name) + wrap(tensor(array, str(index), legacy=legacy))
        for index, (name, array) in enumerate(arrays.items())
    )
    metadata = b"}" + text("_metadata") + EMPTY_ORDERED + b"sb"
    return PROTOCOL_2 + EMPTY_ORDERED + b"(" + items + b"u" + metadata + STOP


def _memory(array):
    """The values in the order of the storage, which need not be that of the array."""
    order = np.argsort([-step for step in array.strides], kind="stable")
    return array.transpose(order).tobytes()


def write_zip(path, content, storages=()):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        for index, data in enumerate(storages):
            archive.writestr(f"archive/data/{index}", data)
        archive.writestr("archive/version", "3\n")


def save_zip(path, arrays, *, parameters=False):
    content = state_dict(arrays, parameters=parameters)
    write_zip(path, content, [_memory(a) for a in arrays.values()])


def save_parameters(path, arrays):
    """As torchvision's published files are: a dict of parameters, not of tensors."""
    save_zip(path, arrays, parameters=True)


def save_legacy(path, arrays):
    magic = 0x1950A86A20F9469CFC6C.to_bytes(10, "little")
    system = b"}" + text("little_endian") + b"\x88s"
    keys = b"](" + b"".join(text(str(i)) for i in range(len(arrays))) + b"e"
    parts = [
        PROTOCOL_2 + b"\x8a\x0a" + magic + STOP,
        PROTOCOL_2 + number(1001) + STOP,
        PROTOCOL_2 + system + STOP,
        state_dict(arrays, legacy=True),
        PROTOCOL_2 + keys + STOP,
    ]
    for array in arrays.values():
        parts += [struct.pack("<q", array.size), _memory(array)]
    path.write_bytes(b"".join(parts))
