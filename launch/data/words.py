#!/usr/bin/env python3
"""Turns a text into documents of counted words, for latent Dirichlet allocation.

    words.py TEXT DIR [--documents lines|blank|REGEX] [--min-documents N] [--max-share S]
                      [--min-letters N] [--strip REGEX] [--csv]

writes DIR/docs.libsvm, a line "0 index:count index:count ..." for each document with a word in the
vocabulary, indices from 1, ascending, and DIR/vocab.txt, the word of index i in line i, sorted; and,
for readers of tables, with --csv DIR/docs.csv, a column for each word. Words are runs of letters, with
apostrophes inside, in lower case.

A document is a line; or what stands between blank lines; or, with a regular expression, each line in
which it is found and what follows up to the next such line, nothing before the first. What --strip
matches is no part of any line; documents are told apart before.
"""

import argparse
import collections
import csv
import pathlib
import re
import sys

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def documents(lines, how, strip):
    """The texts of the documents, one after the other."""
    begins = {"lines": "", "blank": r"^\s*$"}.get(how, how)
    text = [] if how == "blank" else None  # None: before the first
    for line in lines:
        if re.search(begins, line):
            if text is not None:
                yield " ".join(text)
            text = []
        if text is not None:
            text.append(re.sub(strip, "", line) if strip else line)
    if text is not None:
        yield " ".join(text)


def count_words(text, min_letters):
    words = (match.group().lower() for match in WORD.finditer(text))
    return collections.Counter(word for word in words if len(word) >= min_letters)


def choose_vocabulary(counts, min_documents, max_share):
    """Words of at least so many documents, and of at most this share of them."""
    found_in = collections.Counter()
    for count in counts:
        found_in.update(count.keys())
    most = max_share * len(counts)
    return sorted(word for word, n in found_in.items() if min_documents <= n <= most)


def write(folder, vocabulary, counts, with_csv):
    folder.mkdir(parents=True, exist_ok=True)
    index = {word: i for i, word in enumerate(vocabulary, start=1)}
    rows = [sorted((index[w], n) for w, n in count.items() if w in index) for count in counts]
    rows = [row for row in rows if row]
    (folder / "vocab.txt").write_text("".join(w + "\n" for w in vocabulary), encoding="utf-8")
    with open(folder / "docs.libsvm", "w", encoding="utf-8") as out:
        for row in rows:
            out.write("0" + "".join(f" {i}:{n}" for i, n in row) + "\n")
    if with_csv:
        with open(folder / "docs.csv", "w", encoding="utf-8", newline="") as out:
            table = csv.writer(out)
            table.writerow(vocabulary)
            for row in rows:
                cells = dict(row)
                table.writerow([cells.get(i, 0) for i in range(1, len(vocabulary) + 1)])
    return len(rows), sum(n for row in rows for _, n in row)


def main(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--documents", default="blank", metavar="lines|blank|REGEX")
    parser.add_argument("--min-documents", type=int, default=5)
    parser.add_argument("--max-share", type=float, default=0.5)
    parser.add_argument("--min-letters", type=int, default=2)
    parser.add_argument("--strip", metavar="REGEX")
    parser.add_argument("--csv", action="store_true", help="write docs.csv, too")
    options = parser.parse_args(arguments)
    try:
        with open(options.text, encoding="utf-8") as lines:
            texts = documents((line.rstrip("\n") for line in lines), options.documents,
                              options.strip)
            counts = [count_words(text, options.min_letters) for text in texts]
    except (OSError, UnicodeDecodeError, re.error) as error:
        sys.exit(f"words.py: {options.text}: {error}")
    counts = [count for count in counts if count]
    vocabulary = choose_vocabulary(counts, options.min_documents, options.max_share)
    if len(vocabulary) < 2:
        sys.exit(f"words.py: {options.text}: {len(vocabulary)} words are left of {len(counts)} "
                 "documents; see --min-documents and --max-share")
    rows, tokens = write(options.folder, vocabulary, counts, options.csv)
    print(f"{rows} documents, {len(vocabulary)} words, {tokens} tokens")


if __name__ == "__main__":
    main(sys.argv[1:])
