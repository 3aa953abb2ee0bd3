#!/usr/bin/env python3
"""Tests of the curves that a run keeps for TensorBoard."""

import json
import os
import struct

from network_bench import metrics, prepare
from program_bench import check, main, on_ranks, skip


def crc32c(content):
    """The remainder by the Castagnoli polynomial, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(content):
    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def fields(message):
    """(number, value) of every field of a message of Protocol Buffers."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    found = []
    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            found.append((key >> 3, varint()))
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        piece = message[at:at + size]
        at += size
        found.append((key >> 3, struct.unpack("<d" if kind == 1 else "<f", piece)[0]
                      if kind in (1, 5) else piece))
    return found


def curves(content):
    """{tag: [(step, value)]} of an event file, whose checksums are checked."""
    check(crc32c(b"123456789") == 0xE3069283, "this test's crc32c")  # RFC 3720's check value
    found, at, messages = {}, 0, []
    while at < len(content):
        length = content[at:at + 8]
        (size,) = struct.unpack("<Q", length)
        check(struct.unpack("<I", content[at + 8:at + 12])[0] == masked(length), "crc of a length")
        message = content[at + 12:at + 12 + size]
        check(struct.unpack("<I", content[at + 12 + size:at + 16 + size])[0] == masked(message),
              "crc of a message")
        messages.append(dict(fields(message)))
        at += 16 + size
    check(messages[0][3] == b"brain.Event:2", f"{messages[0]}")
    for message in messages[1:]:
        for number, value in fields(message[5]):
            check(number == 1, "a summary of something else")
            scalar = dict(fields(value))
            found.setdefault(scalar[1].decode(), []).append((message.get(2, 0), scalar[2]))
    return found


def event_files(bench, folder="run"):
    return [name for name in os.listdir(bench.path(folder))
            if name.startswith("events.out.tfevents.")]


def as_float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


@on_ranks(1, 2)
def test_curves_are_written_for_tensorboard(bench):
    prepare(bench)
    bench.trained("--stop.steps", "7", "--validation.every", "3")
    (name,) = event_files(bench)
    found = curves(bench.read("run", name))
    steps, held_out = metrics(bench)
    for tag in ("loss", "learning_rate", "gradient_norm"):
        wanted = [(line["step"], as_float32(line[tag])) for line in steps]
        check(found[tag] == wanted, f"{tag}: {found[tag]}, not {wanted}")
    wanted = [(line["step"], as_float32(line["validation_loss"])) for line in held_out]
    check(found["validation_loss"] == wanted, f"held out: {found['validation_loss']}")
    bench.trained("--stop.steps", "7", "--overwrite")
    check(len(event_files(bench)) == 1, "curves of a run that was overwritten")
    bench.configure()
    bench.trained(folder="table")
    (name,) = event_files(bench, "table")
    found = curves(bench.read("table", name))
    lines = [json.loads(line) for line in bench.read("table", "metrics.jsonl").splitlines()]
    for tag in ("elbo", "residual"):
        check(found[tag] == [(line["step"], as_float32(line[tag])) for line in lines], tag)


@on_ranks(1)
def test_tensorboard_reads_the_curves(bench):
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        skip("there is no tensorboard package")
    prepare(bench)
    bench.trained("--stop.steps", "7")
    events = EventAccumulator(bench.path("run"))
    events.Reload()
    found = [(event.step, event.value) for event in events.Scalars("loss")]
    wanted = [(line["step"], as_float32(line["loss"])) for line in metrics(bench)[0]]
    check(found == wanted, f"{found}, not {wanted}")


if __name__ == "__main__":
    main(__doc__)
