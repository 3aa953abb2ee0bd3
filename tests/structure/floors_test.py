#!/usr/bin/env python3
"""Shows that floors.py finds each kind of fault, on small trees made for the purpose."""

import os
import tempfile
import unittest

import floors


class FloorsTest(unittest.TestCase):
    def faults_of(self, files):
        """The faults of a tree of {path: text}."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w") as file:
                    file.write(text)
            return list(floors.faults(root))

    def assert_one_fault(self, words, files):
        found = self.faults_of(files)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def test_a_clean_tree_has_none(self):
        clean = {
            "kernels/a.hpp": "#pragma once\n#include <vector>\n",
            "kernels/a.cu": '#include "kernels/a.hpp"\n#include <cuda_runtime.h>\n',
            "distributed/mpi.cpp": '#include <mpi.h>\n#include "kernels/a.hpp"\n',
            "core/b.cpp": '#include <sys/stat.h>\n#include <toml++/toml.h>\n',
            "tests/core/t.cpp": '#include <gtest/gtest.h>\n#include "kernels/a.hpp"\n',
        }
        self.assertEqual(self.faults_of(clean), [])

    def test_a_higher_floor(self):
        self.assert_one_fault(
            "kernels/a.cpp:2: core/b.hpp is on a higher floor",
            {"core/b.hpp": "#pragma once\n", "kernels/a.cpp": '\n#include "core/b.hpp"\n'},
        )

    def test_a_path_that_is_not_from_the_root(self):
        self.assert_one_fault("not a path from the root", {"core/b.cpp": '#include "c.hpp"\n'})

    def test_a_missing_header(self):
        self.assert_one_fault("does not exist", {"core/b.cpp": '#include "core/c.hpp"\n'})

    def test_mpi_outside_its_file(self):
        self.assert_one_fault("mpi.h", {"distributed/thread.cpp": "#include <mpi.h>\n"})

    def test_cuda_outside_kernels(self):
        self.assert_one_fault("is CUDA", {"core/b.cpp": "#include <cuda_runtime.h>\n"})
        self.assert_one_fault("belong in kernels/", {"core/b.cu": "\n"})

    def test_cuda_in_a_header_for_everyone(self):
        self.assert_one_fault("is CUDA", {"kernels/a.hpp": "#pragma once\n#include <cublas_v2.h>\n"})

    def test_a_library_on_the_wrong_floor(self):
        self.assert_one_fault("not among", {"models/m.cpp": "#include <spdlog/spdlog.h>\n"})

    def test_a_library_in_a_cuda_source(self):
        self.assert_one_fault("neither CUDA nor", {"kernels/a.cu": "#include <cblas.h>\n"})

    def test_a_header_without_pragma_once(self):
        self.assert_one_fault("#pragma once", {"core/b.hpp": "#include <vector>\n"})


if __name__ == "__main__":
    unittest.main()
