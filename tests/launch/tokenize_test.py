#!/usr/bin/env python3
"""Tests of bayesum tokenize."""

import gzip
import os
import struct

from program_bench import DONE, FILE, USAGE, check, check_code, check_refused, main, on_ranks


def tokens_of(content, code="H"):
    return list(struct.unpack(f"<{len(content) // struct.calcsize(code)}{code}", content))


def gpt2_files(bench, merges):
    """vocab.json and merges.txt of GPT-2's kind, without a character that JSON would escape."""
    written, spare = [], 256
    for byte in range(256):
        printable = 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174
        written.append(chr(byte if printable else spare))
        spare += not printable
    tokens = written + [merge.replace(" ", "") for merge in merges] + ["<|endoftext|>"]
    escaped = (token.replace("\\", "\\\\").replace('"', '\\"') for token in tokens)
    bench.write("vocab.json", "{" + ", ".join(f'"{t}": {i}' for i, t in enumerate(escaped)) + "}")
    bench.write("merges.txt", "#version: 0.2\n" + "\n".join(merges) + "\n")
    return {token: number for number, token in enumerate(tokens)}


@on_ranks(1, 2)
def test_characters_go_to_both_files(bench):
    text = "to be, or not to be\n\u00e9\n" * 10
    bench.write("a.txt", text)
    outcome = bench.run("tokenize", "a.txt", "--out", "tokens", "--tokenizer", "characters",
                        "--format", "nanogpt", "--validation", "0.25")
    check_code(outcome, DONE)
    characters = sorted(set(text))
    check(bench.read("tokens", "characters.txt").decode() == "".join(characters), "characters")
    training = tokens_of(bench.read("tokens", "train.bin"))
    held_out = tokens_of(bench.read("tokens", "val.bin"))
    check("".join(characters[token] for token in training + held_out) == text, "another text")
    size = len("".join(characters[token] for token in training).encode())
    share = int(0.75 * len(text.encode()))
    check(share <= size <= share + 1, f"{size} bytes to learn from, not {share}")
    check(str(len(training)) in outcome.out and str(len(held_out)) in outcome.out, outcome.out)
    check("tokens/s" in outcome.out, outcome.out)
    check(outcome.err == "", outcome.err)
    check(sorted(os.listdir(bench.path("tokens"))) == ["characters.txt", "train.bin", "val.bin"],
          "other files are left")


@on_ranks(1)
def test_texts_have_an_end_between_them(bench):
    numbers = gpt2_files(bench, ["t h", "th e"])
    bench.write("a.txt", "the")
    bench.write("b.txt.gz", gzip.compress(b"he the"))
    outcome = bench.run("tokenize", "a.txt", "b.txt.gz", "--out", "tokens", "--vocabulary",
                        "vocab.json", "--merges", "merges.txt")
    check_code(outcome, DONE)
    content = bench.read("tokens", "train.bin")
    header = struct.unpack("<256i", content[:1024])
    expected = [numbers[t] for t in ("the", "<|endoftext|>", "h", "e", "\u0120", "the")]
    check(header == (20240520, 1, len(expected)) + (0,) * 253, header[:4])
    check(tokens_of(content[1024:]) == expected, "other tokens")


@on_ranks(1, 2)
def test_what_cannot_be_tokens_is_refused(bench):
    bench.write("a.txt", "abc\nabd\n")
    bench.write("b.txt", "")
    bench.write("abc.txt", "abc\n")
    bench.write("bad.json", "{")
    into = ("--out", "tokens")
    check_refused(bench.run("tokenize", "a.txt", *into), USAGE, "vocab.json", "merges.txt")
    check_refused(bench.run("tokenize", "none.txt", *into), FILE, "none.txt")
    check_refused(bench.run("tokenize", "b.txt", *into), FILE, "empty")
    check_refused(bench.run("tokenize", "a.txt", *into, "--tokenizer", "words"), USAGE, "words")
    check_refused(bench.run("tokenize", "a.txt", *into, "--vocabulary", "bad.json", "--merges",
                            "abc.txt"), FILE, "bad.json", "JSON")
    check_refused(bench.run("tokenize", "a.txt", *into, "--tokenizer", "characters",
                            "--vocabulary", "abc.txt"), FILE, "a.txt:2", "'d'")
    check(not os.path.exists(bench.path("tokens"))
          or os.listdir(bench.path("tokens")) == [], "a file of a failure is left")
    check_code(bench.run("tokenize", "a.txt", *into, "--tokenizer", "bytes"), DONE)
    check_refused(bench.run("tokenize", "a.txt", *into, "--tokenizer", "bytes"), USAGE,
                  "train.bin", "is there already")


if __name__ == "__main__":
    main(__doc__)
