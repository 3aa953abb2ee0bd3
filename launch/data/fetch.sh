#!/usr/bin/env bash
# Brings the example data into data/, from packages that Debian and Ubuntu carry, without installing
# them: two real tables, each cut into rows to train on and rows held out, and a text.
#
#   data/randhie-{train,test}.csv         visits to a doctor (python3-statsmodels)
#   data/breast-cancer-{train,test}.csv   diagnoses of tumours (python3-sklearn)
#   data/bible/{docs.libsvm,vocab.txt}    words of the chapters of the Bible (bible-kjv-text)
#   data/bible/text.txt                   the text itself, without the numbers of its verses
#
# With --fashion, instead of them and from dataset-fashion-mnist (31 MB):
#
#   data/fashion/{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz   clothes in 28 x 28 pixels
#
# Does nothing where they are all there. launch/data/README.md describes them.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

data=$root/data
tables=(randhie-train.csv randhie-test.csv breast-cancer-train.csv breast-cancer-test.csv
  bible/docs.libsvm bible/vocab.txt bible/text.txt)
fashion=(fashion/{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz)

all_there() {
  local table
  for table in "$@"; do
    [ -s "$data/$table" ] || return 1
  done
}

# unpack PACKAGE FOLDER: needs no root, unless apt has never listed what there is.
unpack() {
  local package=$1 folder=$2
  if ! apt-cache show "$package" >/dev/null 2>&1; then
    run_quietly "$folder/update.log" as_root apt-get update
  fi
  (cd "$folder" && run_quietly "$folder/$package.log" \
    apt-get -o APT::Sandbox::User="$(id -un)" download "$package")
  dpkg-deb -x "$folder/$package"_*.deb "$folder"
}

# The King James Version with a document for each chapter; verses begin "Ge1:1 ".
count_bible() {
  local folder=$1
  unpack bible-kjv "$folder"
  unpack bible-kjv-text "$folder"
  (cd "$folder/usr/lib" && ../bin/bible -f 'Gen1:1-Rev22:21') >"$folder/bible.txt"
  python3 "$root/launch/data/words.py" "$folder/bible.txt" "$data/bible" \
    --documents '^\S+:1 ' --strip '^\S+:\d+ ' --max-share 0.4 --min-letters 3
  sed -E 's/^[^ ]+:[0-9]+ //' "$folder/bible.txt" >"$data/bible/text.txt"
}

bring_examples() {
  local folder=$1
  say "Fetching real data from the packages python3-statsmodels, python3-sklearn and bible-kjv (10 MB)"
  unpack python3-statsmodels "$folder"
  unpack python3-sklearn "$folder"
  python3 "$root/launch/data/tables.py" "$folder/usr/lib/python3/dist-packages" "$data"
  count_bible "$folder"
}

bring_fashion() {
  local folder=$1
  say "Fetching Fashion-MNIST from the package dataset-fashion-mnist (31 MB)"
  unpack dataset-fashion-mnist "$folder"
  mkdir -p "$data/fashion"
  cp "$folder"/usr/share/datasets/fashion-mnist/*-ubyte.gz "$data/fashion"
}

main() {
  local what=examples wanted=("${tables[@]}")
  case ${1:-} in
    '') ;;
    --fashion) what=fashion wanted=("${fashion[@]}") ;;
    -h | --help) usage "${BASH_SOURCE[0]}" && return ;;
    *) fail "fetch.sh knows no '$1'; see --help" ;;
  esac
  if all_there "${wanted[@]}"; then
    say "The data are in $data."
    return
  fi
  command -v apt-get dpkg-deb >/dev/null || fail "the data come by apt, which is not here"
  # Not local: the trap that removes it runs after main has returned.
  unpacked=$(mktemp -d)
  trap 'rm -rf "$unpacked"' EXIT
  "bring_$what" "$unpacked"
}

main "$@"
