#!/usr/bin/env bash
# Installs what bayesum needs and this machine lacks, by apt.
#
#   launch/install.sh [GROUP ...]
#
#   build   compiling, testing and running bayesum (the group when none is named)
#   fuzz    clang with libFuzzer, for tests/fuzz/run.sh
#   slurm   a Slurm of one machine, for tests/trials/slurm.sh
#   cudnn   a virtual environment of Python, for launch/cudnn_frontend.sh
#   image   building container images without a daemon, for tests/trials/image.sh
#
# Packages that are there are left alone: when nothing is missing it changes nothing and needs no
# root. Tried on Debian 12; Ubuntu 24.04 has packages of the same names but has not been tried.
# CUDA and NCCL are not installed: bayesum uses those it finds.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_packages=(
  build-essential cmake ninja-build ccache pkg-config git python3
  libopenmpi-dev openmpi-bin
  libopenblas-dev liblapacke-dev libdnnl-dev libboost-dev
  libspdlog-dev libfmt-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libxxhash-dev zlib1g-dev
  libutf8proc-dev
  gnuplot-nox
  libgtest-dev libgmock-dev libbenchmark-dev)
fuzz_packages=(clang libclang-rt-dev)
slurm_packages=(slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge procps)
cudnn_packages=(python3-venv)
image_packages=(buildah mmdebstrap crun)

packages_of() {
  case $1 in
    build) printf '%s\n' "${build_packages[@]}" ;;
    fuzz) printf '%s\n' "${fuzz_packages[@]}" ;;
    slurm) printf '%s\n' "${slurm_packages[@]}" ;;
    cudnn) printf '%s\n' "${cudnn_packages[@]}" ;;
    image) printf '%s\n' "${image_packages[@]}" ;;
    *) fail "no group of packages is called '$1' (build, fuzz, slurm, cudnn or image)" ;;
  esac
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

main() {
  local group package wanted missing=()
  case ${1:-} in
    -h | --help) usage "${BASH_SOURCE[0]}" && return ;;
    '') set -- build ;;
  esac
  command -v dpkg-query apt-get >/dev/null ||
    fail "this machine has no apt: install the packages that ${BASH_SOURCE[0]} lists by hand"
  for group in "$@"; do
    wanted=$(packages_of "$group")
    for package in $wanted; do
      is_installed "$package" || missing+=("$package")
    done
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "Nothing to install: the packages for $* are all here."
    return
  fi
  say "Installing ${#missing[@]} packages for $*: ${missing[*]}"
  apt_install "${missing[@]}"
}

main "$@"
