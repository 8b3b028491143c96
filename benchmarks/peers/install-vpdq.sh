#!/bin/sh
# Installs what vPDQ needs to compile (Debian, Ubuntu), then builds it in .bench/vpdq.
# Safe to run again: what is there stays. Run it in recirc's environment, for numpy:
#   uv run benchmarks/peers/install-vpdq.sh
set -eu
cd "$(dirname "$0")/../.."

if [ "$(id -u)" -eq 0 ]; then as_root=""; else as_root="sudo"; fi
packages=$(python3 -c 'from benchmarks.peers.vpdq import APT_PACKAGES; print(*APT_PACKAGES)')

$as_root apt-get update
# shellcheck disable=SC2086  # one word per package
$as_root apt-get install -y --no-install-recommends $packages
python3 -c 'from benchmarks.peers.vpdq import venv_python; print(venv_python())'
