#!/usr/bin/env bash
# Brings the headers of NVIDIA's cuDNN frontend from PyPI into build/cudnn_frontend, where CMake looks for
# them. With them and cuDNN 9 a build with CUDA leaves attention in BFloat16 to cuDNN; without them it has
# bayesum's own kernels alone. Builds of preset cuda call this.
#
#   launch/cudnn_frontend.sh
#
# Does nothing where the headers are there, or where there is no cuDNN 9 for them.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

version=1.32.0
sha256=c6006556017a4d1c914c52a556c71b1267f2d6a0500f742e7b4edef539878df0
folder=$root/build/cudnn_frontend

# Where CMake looks: the folder of the toolkit, and those of the compiler.
has_cudnn() {
  local nvcc=/usr/local/cuda/bin/nvcc
  [ -x "$nvcc" ] || nvcc=$(command -v nvcc) || nvcc=${CUDA_HOME:-}/bin/nvcc
  printf '#include <cudnn.h>\n#if CUDNN_MAJOR < 9\n#error\n#endif\n' |
    c++ -x c++ -E -I "${nvcc%/bin/nvcc}/include" - >/dev/null 2>&1
}

# The headers are the same in every wheel, so it is the one whose sum is known that is asked for.
fetch() {
  local work=$1 log=$root/build/cudnn_frontend.log wheel
  python3 -c 'import ensurepip' 2>/dev/null || "$root/launch/install.sh" cudnn
  run_quietly "$log" python3 -m venv "$work/venv"
  run_quietly "$log" "$work/venv/bin/pip" --disable-pip-version-check --retries 1 download \
    --no-deps --only-binary :all: --python-version 3.11 --platform manylinux_2_28_x86_64 \
    --dest "$work" "nvidia-cudnn-frontend==$version"
  wheel=$(echo "$work"/*.whl)
  echo "$sha256  $wheel" | sha256sum --quiet --check || fail "$wheel is not the file that was expected"
  python3 -m zipfile -e "$wheel" "$work/wheel"
  echo "$version" >"$work/wheel/version"
}

main() {
  local work
  case ${1:-} in -h | --help) usage "${BASH_SOURCE[0]}" && return ;; esac
  [ "$(cat "$folder/version" 2>/dev/null)" != "$version" ] || return 0
  has_cudnn || return 0
  say "Fetching the headers of cuDNN's frontend $version from PyPI (12 MB)"
  mkdir -p "$root/build"
  work=$(mktemp -d "$root/build/cudnn_frontend-XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  fetch "$work"
  mkdir "$work/new"
  mv "$work/wheel/include" "$work/wheel/version" "$work/new"
  rm -rf "$folder"
  mv -T "$work/new" "$folder"
}

main "$@"
