"""Reads a safetensors file by its published format alone and prints what it holds."""

import json
import struct
import sys

raw = open(sys.argv[1], "rb").read()
(length,) = struct.unpack("<Q", raw[:8])
header = json.loads(raw[8 : 8 + length])
data = raw[8 + length :]
for key, value in sorted(header.pop("__metadata__", {}).items()):
    print(f"{key}={value}")
for name, entry in sorted(header.items()):
    begin, end = entry["data_offsets"]
    if entry["dtype"] == "F64":
        values = struct.unpack(f"<{(end - begin) // 8}d", data[begin:end])
        print(name, entry["shape"], *(value.hex() for value in values))
    else:
        print(name, entry["dtype"], entry["shape"], "ends the file:", end == len(data))
