"""Reads a safetensors file by its published format alone and prints what it holds."""

import json
import struct
import sys

FORMATS = {"F64": "d", "F32": "f", "F16": "e", "I64": "q", "I32": "i", "U8": "B", "BOOL": "?"}


def values_of(dtype, raw):
    if dtype == "BF16":  # the upper half of a float32
        raw = b"".join(b"\0\0" + raw[at : at + 2] for at in range(0, len(raw), 2))
        dtype = "F32"
    count = len(raw) // struct.calcsize(FORMATS[dtype])
    values = struct.unpack(f"<{count}{FORMATS[dtype]}", raw)
    return [value.hex() if isinstance(value, float) else str(value) for value in values]


raw = open(sys.argv[1], "rb").read()
(length,) = struct.unpack("<Q", raw[:8])
header = json.loads(raw[8 : 8 + length])
data = raw[8 + length :]
for key, value in sorted(header.pop("__metadata__", {}).items()):
    print(f"{key}={value}")
for name, entry in sorted(header.items()):
    begin, end = entry["data_offsets"]
    dtype = entry["dtype"]
    if name == "checksum":
        print(name, dtype, entry["shape"], "ends the file:", end == len(data))
    else:
        kind = [] if dtype == "F64" else [dtype]
        print(name, *kind, entry["shape"], *values_of(dtype, data[begin:end]))
