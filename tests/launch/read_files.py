"""Reads the files of core/FORMAT.md with the standard library alone, by that page and not by our code."""

import json
import struct


class File:
    """Metadata, and tensors as (shape, flat list of numbers)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            raw = file.read()
        (length,) = struct.unpack("<Q", raw[:8])
        header = json.loads(raw[8 : 8 + length])
        self.metadata = header.pop("__metadata__")
        self.tensors, end_of_last = {}, 0
        data = raw[8 + length :]
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            begin, end = entry["data_offsets"]
            assert begin == end_of_last, f"a gap before {name}"
            end_of_last = end
            if name == "checksum":
                assert entry["dtype"] == "U8" and entry["shape"] == [8] and end == len(data)
                continue
            width, letter = {"F64": (8, "d"), "F32": (4, "f")}[entry["dtype"]]
            numbers = struct.unpack(f"<{(end - begin) // width}{letter}", data[begin:end])
            size = 1
            for extent in entry["shape"]:
                size *= extent
            assert size == len(numbers), name
            self.tensors[name] = (entry["shape"], list(numbers))

    def vector(self, name):
        return self.tensors[name][1]

    def rows(self, name):
        (count, columns), values = self.tensors[name]
        return [values[i * columns : (i + 1) * columns] for i in range(count)]

    def lines(self, key):
        return self.metadata[key].split("\n")[:-1]

    def blocks(self):
        """[(name, family)], in the order of lambda"""
        return [tuple(block) for block in json.loads(self.metadata["blocks"])]

    def natural(self, kind="natural"):
        """lambda of all blocks"""
        return [x for name, _ in self.blocks() for x in self.vector(f"{kind}.{name}")]

    def hashes(self, name):
        return [int(row[0]) << 32 | int(row[1]) for row in self.rows(name)]

    def sources(self, name):
        """{(hash of a shard, "" or (column, level)): times}"""
        parts = [""] + [tuple(json.loads(line)) for line in self.lines(name)]
        return {(int(r[0]) << 32 | int(r[1]), parts[int(r[2])]): int(r[3]) for r in self.rows(name)}


class Tensors:
    """A safetensors file: {name: (shape, bytes)} and its metadata, by the format's own page."""

    def __init__(self, content):
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8:8 + length])
        self.metadata = header.pop("__metadata__", {})
        data = content[8 + length:]
        self.tensors = {name: (entry["shape"], data[slice(*entry["data_offsets"])])
                        for name, entry in header.items()}

    def floats(self, name):
        content = self.tensors[name][1]
        return list(struct.unpack(f"<{len(content) // 4}f", content))


def packed(matrix):
    """The packed half of lambda, of a precision given as rows."""
    return [-(0.5 if i == j else 1.0) * matrix[i][j] for i in range(len(matrix)) for j in range(i + 1)]


def unpacked(values, dimension):
    """The precision, of the packed half of lambda."""
    matrix = [[0.0] * dimension for _ in range(dimension)]
    for i in range(dimension):
        for j in range(i + 1):
            entry = values[i * (i + 1) // 2 + j]
            matrix[i][j] = matrix[j][i] = -entry * (2.0 if i == j else 1.0)
    return matrix
