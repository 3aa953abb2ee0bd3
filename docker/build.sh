#!/usr/bin/env bash
# Builds the image: docker/build.sh [TAG [OPTION ...]], by docker, else podman, else buildah.
#
#   docker/build.sh                          bayesum:latest
#   docker/build.sh bayesum:cuda --build-arg BASE=... --build-arg PRESET=cuda
#
# BUILDER names another builder, with its own options, that is called as docker build is.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../launch/common.sh"

case ${1:-} in -h | --help) usage "${BASH_SOURCE[0]}" && exit ;; esac
tag=${1:-bayesum:latest}
[ $# -eq 0 ] || shift

find_builder() {
  if docker info >/dev/null 2>&1; then
    echo docker build
  elif command -v podman >/dev/null; then
    echo podman build --ignorefile "$root/docker/Dockerfile.dockerignore"
  elif command -v buildah >/dev/null; then
    echo buildah bud --ignorefile "$root/docker/Dockerfile.dockerignore"
  else
    fail "there is no docker, podman or buildah here (launch/install.sh image brings buildah)"
  fi
}

read -ra builder <<<"${BUILDER:-$(find_builder)}"
say "Building $tag with ${builder[0]}"
exec "${builder[@]}" -t "$tag" -f "$root/docker/Dockerfile" "$@" "$root"
