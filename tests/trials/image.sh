#!/usr/bin/env bash
# Builds the image of docker/Dockerfile without a daemon or a registry, as root, on a Debian that is
# made here from the machine's own package sources, and trains inside it: over one and over two ranks,
# which must give the same posterior. Exits with 77 where the tools cannot be installed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../launch/common.sh"

work=$(mktemp -d)

storage=(--root "$work/root" --runroot "$work/run" --storage-driver overlay)

finish() {
  buildah "${storage[@]}" rm --all >/dev/null 2>&1 || true
  buildah "${storage[@]}" rmi --all --force >/dev/null 2>&1 || true
  rm -rf "$work"
}

make_base() {
  say "Making a Debian 12 to build on"
  run_quietly "$work/base.log" mmdebstrap --variant=minbase --include=ca-certificates bookworm \
    "$work/base.tar"
  printf 'FROM scratch\nADD base.tar /\nENV LANG=C.UTF-8\nCMD ["/bin/bash"]\n' >"$work/base.Dockerfile"
  run_quietly "$work/base-image.log" buildah "${storage[@]}" bud --isolation chroot --pull-never \
    -t bayesum-base:trial -f "$work/base.Dockerfile" "$work"
}

build_image() {
  say "Building the image"
  local builder="buildah ${storage[*]} bud --isolation chroot --pull-never --layers"
  builder+=" --ignorefile $root/docker/Dockerfile.dockerignore"
  BUILDER=$builder run_quietly "$work/image.log" "$root/docker/build.sh" bayesum:trial \
    --build-arg BASE=localhost/bayesum-base:trial
  container=$(buildah "${storage[@]}" from --pull-never localhost/bayesum:trial)
  mkdir "$work/runs"
}

# in_image COMMAND...: with the example data and a folder for runs where the configs look for them.
in_image() {
  buildah "${storage[@]}" run --isolation chroot -v "$root/data:/bayesum/data:ro" \
    -v "$work/runs:/bayesum/runs" "$container" -- "$@"
}

train() {
  local ranks=$1
  in_image mpirun -np "$ranks" bayesum train launch/configs/poisson-randhie.toml \
    --run.dir "runs/$ranks"
}

[ "$EUID" -eq 0 ] || { echo "building an image on a base of one's own needs root" && exit 77; }
("$root/launch/install.sh" image) || exit 77
"$root/launch/data/fetch.sh"
trap finish EXIT
make_base
build_image
say "What bayesum finds inside"
in_image mpirun -np 2 bayesum doctor
say "Training inside, over 2 ranks and over 1"
train 2
run_quietly "$work/one.log" train 1
same_posterior "$work/runs/1" "$work/runs/2" || fail "1 and 2 ranks in the image gave other posteriors"
echo "    1 and 2 ranks gave the same posterior"
