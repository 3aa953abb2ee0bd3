#!/usr/bin/env bash
# Brings the example data into data/, from packages that Debian and Ubuntu carry, without installing
# them: two real tables, each cut into rows to train on and rows held out, and a text.
#
#   data/randhie-{train,test}.csv         visits to a doctor (python3-statsmodels)
#   data/breast-cancer-{train,test}.csv   diagnoses of tumours (python3-sklearn)
#   data/bible/{docs.libsvm,vocab.txt}    words of the chapters of the Bible (bible-kjv-text)
#   data/bible/text.txt                   the text itself, without the numbers of its verses
#
# Does nothing where they are all there. launch/data/README.md describes them.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

data=$root/data
tables=(randhie-train.csv randhie-test.csv breast-cancer-train.csv breast-cancer-test.csv
  bible/docs.libsvm bible/vocab.txt bible/text.txt)

all_there() {
  local table
  for table in "${tables[@]}"; do
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

main() {
  if all_there; then
    say "The example data are in $data."
    return
  fi
  command -v apt-get dpkg-deb >/dev/null || fail "the example data come by apt, which is not here"
  # Not local: the trap that removes it runs after main has returned.
  unpacked=$(mktemp -d)
  trap 'rm -rf "$unpacked"' EXIT
  say "Fetching real data from the packages python3-statsmodels, python3-sklearn and bible-kjv (10 MB)"
  unpack python3-statsmodels "$unpacked"
  unpack python3-sklearn "$unpacked"
  python3 "$root/launch/data/tables.py" "$unpacked/usr/lib/python3/dist-packages" "$data"
  count_bible "$unpacked"
}

main "$@"
