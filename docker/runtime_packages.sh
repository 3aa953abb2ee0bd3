#!/usr/bin/env bash
# runtime_packages.sh PROGRAM: the Debian packages that hold the libraries PROGRAM loads, one a line.
set -euo pipefail

# package_of LIBRARY: dpkg knows a library by the path it was packed with, which may lack or have the
# /usr in front, or by what a chain of links leads to.
package_of() {
  local path
  for path in "$1" "/usr$1" "${1#/usr}" "$(readlink -f "$1")"; do
    dpkg-query -S "$path" 2>/dev/null | cut -d: -f1 && return
  done
}

ldd "${1:?usage: runtime_packages.sh PROGRAM}" | awk '$3 ~ /^\// { print $3 }' |
  while read -r library; do
    package_of "$library" || echo "no package brought $library" >&2
  done | sort -u
