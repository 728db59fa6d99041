#!/bin/bash
# Train on a slice of Cloud TPUs; what follows -- is for launch.train:
#
#   launch/recipes/tpu_pod.sh --name=music --zone=us-central2-b --type=v4-32 -- \
#       --config=pixels_music --workdir=gs://bucket/music
#
# Also: --spot, --project=, --max_restarts= (100), --runtime= (by the type).
#
# It asks for the slice as a queued resource, puts the last commit of this clone on all
# hosts, installs it, and starts the program on all of them. After status 75 (a host is
# gone, or asked to stop; there is a checkpoint) it starts all of them again, on a new
# slice where that one was taken away. Any other status ends the script. The slice stays
# until
#
#   gcloud compute tpus queued-resources delete NAME --zone=ZONE --force
#
# and a program, where this script was stopped, until
#
#   gcloud compute tpus tpu-vm ssh NAME --zone=ZONE --worker=all \
#       --command='pkill -TERM --oldest --exact python'
#
# Datasets belong on a disk that all hosts mount, the workdir there or on gs://.
set -euo pipefail

say() { echo "tpu_pod.sh: $1" >&2; }
fail() {
  say "$1"
  exit 2
}

name='' zone='' type='' project='' runtime='' spot='' max_restarts=100
while [ $# -gt 0 ]; do
  case $1 in
    --name=?* | --zone=?* | --type=?* | --project=?* | --runtime=?* | --max_restarts=?*)
      flag=${1%%=*}
      printf -v "${flag#--}" %s "${1#*=}"
      ;;
    --spot) spot=--spot ;;
    --)
      shift
      break
      ;;
    *) fail "unknown flag $1: the head of the script tells which there are" ;;
  esac
  shift
done
[ -n "$name" ] || fail "--name is missing: any name for the slice"
[ -n "$zone" ] || fail "--zone is missing, such as us-central2-b"
[ -n "$type" ] || fail "--type is missing, such as v4-32"
[[ $max_restarts =~ ^[0-9]+$ ]] || fail "--max_restarts is $max_restarts, no number"
case $type in
  v2-* | v3-* | v4-*) runtime=${runtime:-tpu-ubuntu2204-base} ;;
  v5litepod-*) runtime=${runtime:-v2-alpha-tpuv5-lite} ;;
  v5p-*) runtime=${runtime:-v2-alpha-tpuv5} ;;
  v6e-*) runtime=${runtime:-v2-alpha-tpuv6e} ;;
  *) [ -n "$runtime" ] || fail "--runtime is missing: $type is new to this script" ;;
esac
case " $* " in
  *" --workdir="* | *" --workdir "*) ;;
  *) fail "--workdir is missing: give the flags of launch.train behind --" ;;
esac
for program in gcloud git; do
  command -v $program >/dev/null || fail "$program is not installed here"
done
cd "$(dirname "$0")/../.."
git diff --quiet HEAD -- || fail "commit your changes: hosts get the last commit"

place=(--zone="$zone" ${project:+--project="$project"})
queued() { gcloud compute tpus queued-resources "$1" "$name" "${place[@]}" "${@:2}"; }
slice() { gcloud compute tpus tpu-vm "$1" "$name" "${place[@]}" "${@:2}"; }
on_all_hosts() { slice ssh --worker=all --command="$1"; }

# ready, absent, gone (taken away), failed, or waiting.
state() {
  local found
  found=$(gcloud compute tpus queued-resources list "${place[@]}" \
    --filter="name~/$name\$" --format='value(state.state)') || return
  if [ "$found" = ACTIVE ]; then
    found=$(slice describe --format='value(state)') || return
  fi
  case $found in
    READY) echo ready ;;
    '') echo absent ;;
    SUSPENDED | PREEMPTED | TERMINATED) echo gone ;;
    FAILED) echo failed ;;
    *) echo waiting ;;
  esac
}

await_slice() {
  local found
  while found=$(state) || return; do
    case $found in
      ready) return ;;
      absent)
        is_installed=''
        queued create --node-id="$name" --accelerator-type="$type" \
          --runtime-version="$runtime" $spot --quiet || return
        ;;
      gone)
        say "the slice was taken away: asking for another"
        queued delete --force --quiet || return
        ;;
      failed) fail "the request failed; queued-resources describe $name tells why" ;;
      *) sleep "${POLL_S:-30}" ;;
    esac
  done
}

# A lock on each host keeps a program that lost this script from meeting its successor.
lock='flock --timeout=300 --conflict-exit-code=75 spatialjax.lock'

# The images have an older Python than the package needs; uv brings one.
install_on_all_hosts() {
  local folder
  folder=$(mktemp -d)
  git archive --format=tar.gz --output="$folder/spatialjax.tar.gz" HEAD
  slice scp "$folder/spatialjax.tar.gz" "$name:" --worker=all
  rm -r "$folder"
  on_all_hosts "$lock sh -ec 'rm -rf spatialjax; mkdir spatialjax; cd spatialjax
tar -xzf ../spatialjax.tar.gz
python3 -m pip install --quiet --user uv
python3 -m uv venv --quiet --python=3.11
python3 -m uv pip install --quiet --constraint=requirements.lock -e .[tpu,gcs]'"
  is_installed=yes
}

# gcloud gives the status of the first host that failed. So each host keeps its own, and
# a mistake (2) or a defect (1) of one counts more than the 75 of those that lost it.
train() {
  local words status=0
  words=$(printf ' %q' "$@")
  on_all_hosts "rm -f status
$lock sh -c 'cd spatialjax; exec .venv/bin/python -m launch.train \"\$@\"' train$words
status=\$?; echo \$status > status; exit \$status" || status=$?
  if [ $status = 75 ]; then
    # shellcheck disable=SC2016
    on_all_hosts 's=$(cat status); [ $s = 0 ] || [ $s = 75 ] || exit $s' || return
  fi
  return $status
}

is_installed=''
for ((start = 0; start <= max_restarts; start++)); do
  await_slice
  [ -n "$is_installed" ] || install_on_all_hosts
  status=0
  train "$@" || status=$?
  case $status in
    0 | 2) exit $status ;;
    75 | 137 | 255) ;; # stopped with a checkpoint, killed, or out of reach
    *) [ "$(state)" != ready ] || exit $status ;;
  esac
  say "status $status: starting again"
done
say "started again $max_restarts times, which is enough"
exit 75
