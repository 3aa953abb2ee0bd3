#!/usr/bin/env python3
"""Tests of launch/data/words.py: what becomes of small texts, known word by word."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

WORDS = pathlib.Path(__file__).parents[2] / "launch" / "data" / "words.py"


class Words(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def run_on(self, text, *options):
        (self.path / "text.txt").write_text(text, encoding="utf-8")
        return subprocess.run([sys.executable, WORDS, self.path / "text.txt", self.path / "out",
                               *options], capture_output=True, text=True)

    def counts(self, text, *options):
        """The documents, each a dictionary of counts, read back from the files."""
        done = self.run_on(text, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        vocabulary = (self.path / "out/vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
        self.assertEqual(vocabulary, sorted(vocabulary))
        documents = []
        for line in (self.path / "out/docs.libsvm").read_text().splitlines():
            label, *cells = line.split(" ")
            self.assertEqual(label, "0")
            pairs = [tuple(map(int, cell.split(":"))) for cell in cells]
            self.assertEqual(pairs, sorted(pairs))
            documents.append({vocabulary[i - 1]: n for i, n in pairs})
        return documents

    def test_blank_lines_part_documents(self):
        text = "The cat,\nthe CAT's hat.\n\nA hat; 2 cats\n"
        found = self.counts(text, "--min-documents", "1", "--max-share", "1", "--min-letters", "1")
        self.assertEqual(found, [{"the": 2, "cat": 1, "cat's": 1, "hat": 1},
                                 {"a": 1, "hat": 1, "cats": 1}])

    def test_lines_are_documents(self):
        found = self.counts("one two\ntwo Äpfel\n", "--documents", "lines", "--min-documents", "1",
                            "--max-share", "1")
        self.assertEqual(found, [{"one": 1, "two": 1}, {"two": 1, "äpfel": 1}])

    def test_a_pattern_begins_documents_and_another_is_stripped(self):
        text = "preface\nGe1:1 light was\nGe1:2 dark was\nGe2:1 earth was\n"
        found = self.counts(text, "--documents", r"^\S+:1 ", "--strip", r"^\S+:\d+ ",
                            "--min-documents", "1", "--max-share", "1")
        self.assertEqual(found, [{"light": 1, "was": 2, "dark": 1}, {"earth": 1, "was": 1}])

    def test_rare_and_frequent_words_are_left_out(self):
        text = "a all few some\n\nall few some\n\nall one\n\nall some\n"
        found = self.counts(text, "--min-documents", "2", "--max-share", "0.75")
        self.assertEqual(found, [{"few": 1, "some": 1}, {"few": 1, "some": 1}, {"some": 1}])

    def test_the_table_says_the_same(self):
        documents = self.counts("one two two\n\none three\n", "--csv", "--min-documents", "1",
                                "--max-share", "1")
        header, *rows = (self.path / "out/docs.csv").read_text().splitlines()
        names = header.split(",")
        table = [{w: int(n) for w, n in zip(names, row.split(",")) if n != "0"} for row in rows]
        self.assertEqual(table, documents)

    def test_refusals_are_one_sentence(self):
        for done in (self.run_on("one\n", "--min-documents", "9"),
                     self.run_on("one two\n", "--documents", "(")):
            self.assertEqual(done.returncode, 1)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertTrue(done.stderr.startswith("words.py: "), done.stderr)


if __name__ == "__main__":
    unittest.main()
