#!/usr/bin/env bash
# From a fresh machine to three posteriors on real data, of two regressions and of a character GPT:
# installs what is missing, builds, trains over two ranks, and scores what was held out.
#
#   launch/quickstart.sh
#
# Needs Debian 12 (Ubuntu 24.04 by the same steps, untried), and root or sudo if something is missing.
# Safe to run again. BAYESUM_CUDA=ON builds the CUDA twins too.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# train NAME RANKS FOLDER: by launch/configs/NAME.toml, in place of what an earlier run left.
train() {
  launch/mpirun.sh -n "$2" train "launch/configs/$1.toml" --run.dir "$3" --run.overwrite true
}

# try NAME TABLE WHAT: trains, shows the coefficients, scores the rows held out.
try() {
  local name=$1 table=$2
  say "$3: training over 2 ranks"
  train "$name" 2 "runs/$name"
  say "Scores on held-out rows, data/$table-test.csv"
  "$program" evaluate "runs/$name" --data "data/$table-test.csv"
  say "Training again over 1 rank, to compare"
  run_quietly "build/$name-1-rank.log" train "$name" 1 "runs/$name-1-rank"
  same_posterior "runs/$name" "runs/$name-1-rank" ||
    fail "1 and 2 ranks gave other posteriors: see runs/$name and runs/$name-1-rank"
  echo "    1 and 2 ranks gave the same posterior, bit for bit"
}

# tell NAME TABLE: the report of a run, with what it says of the rows held out.
tell() {
  say "A page of what the posterior says: open it in a browser"
  "$program" report "runs/$1" --data "data/$2-test.csv"
}

# A network: scores of its mean beside the average over draws of its weights, and some text.
try_gpt() {
  say "A character GPT on the text of the Bible, by IVON: training over 2 ranks, some minutes"
  train gpt-char 2 runs/gpt-char
  say "Scores on the tenth of the text that was held out: at the mean, and averaged over draws"
  "$program" evaluate runs/gpt-char --samples 4
  say "What it writes"
  "$program" generate runs/gpt-char --prompt "And God said" --tokens 300 --draws 4
}

what_next() {
  say "Done. What to try next"
  cat <<NEXT
    $program inspect runs/poisson-randhie
    $program report runs/logistic-breast-cancer --data data/breast-cancer-test.csv
    $program evaluate runs/poisson-randhie --training data/randhie-train.csv
    $program predict runs/poisson-randhie --data data/randhie-test.csv
    launch/mpirun.sh -n 2 train launch/configs/poisson-randhie.toml --run.dir runs/mine --model.posterior diagonal
    launch/mpirun.sh -n 2 train launch/configs/gpt-char-adamw.toml
    $program evaluate runs/gpt-char --samples 16
    your own table or text: copy a file of launch/configs, set [data] path and response, and train it
    $program train --help    every key, with its default and bounds
    $program doctor          what this machine can do
    launch/test.sh    the tests
NEXT
}

case ${1:-} in
  '') ;;
  -h | --help) usage "${BASH_SOURCE[0]}" && exit ;;
  *) fail "unknown argument '$1'; see $0 --help" ;;
esac
cd "$root"
launch/install.sh
build "$(default_preset)" bayesum
program=build/$(default_preset)/bayesum
BAYESUM_BIN=$(program_of "$(default_preset)")
export BAYESUM_BIN
launch/data/fetch.sh
try poisson-randhie randhie "Visits to a doctor (Poisson regression)"
try logistic-breast-cancer breast-cancer "Malignant tumours (logistic regression)"
tell poisson-randhie randhie
try_gpt
what_next
