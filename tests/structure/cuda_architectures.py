#!/usr/bin/env python3
"""Checks that a library holds machine code for every GPU architecture asked for.

    cuda_architectures.py FILE ARCHITECTURE...

Reads the fat binaries that nvcc puts into FILE, as `cuobjdump --list-elf` would, which not every
CUDA toolkit brings along. A fat binary is a header of 16 bytes (magic, version, size of the header,
size of what follows) and then pieces, each with a header of its own: its kind (1 PTX, 2 machine
code) at byte 0, the sizes of header and contents at 4 and 8, its architecture at 28.
"""

import collections
import struct
import sys

MAGIC = struct.pack("<I", 0xBA55ED50)
MACHINE_CODE = 2


def architectures(data):
    """How many pieces of machine code there are for each architecture."""
    counts = collections.Counter()
    start = data.find(MAGIC)
    while start >= 0:
        _, header_size, size = struct.unpack_from("<HHQ", data, start + 4)
        piece, end = start + header_size, start + header_size + size
        while piece < end:
            kind, piece_header, contents = struct.unpack_from("<HxxIQ", data, piece)
            if kind == MACHINE_CODE:
                counts[struct.unpack_from("<I", data, piece + 28)[0]] += 1
            piece += piece_header + contents
        start = data.find(MAGIC, end)
    return counts


def main(path, wanted):
    with open(path, "rb") as file:
        counts = architectures(file.read())
    for architecture in wanted:
        print(f"sm_{architecture}: {counts[int(architecture)]} pieces of machine code")
    return 0 if wanted and all(counts[int(architecture)] for architecture in wanted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else __doc__)
