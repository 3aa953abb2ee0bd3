"""Opens a file with the package safetensors, as NumPy arrays, and prints all but its checksum.

Exits with 77 where a package is not installed.
"""

import sys

try:
    from safetensors.numpy import load_file
except ImportError as missing:
    print(missing)
    sys.exit(77)

for name, array in sorted(load_file(sys.argv[1]).items()):
    if name != "checksum":
        print(name, array.dtype, array.shape, array.tolist())
