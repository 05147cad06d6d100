#!/bin/sh
# Resolve pyproject.toml into hashed requirements that name no host. uv.lock would name one.
# Keeps locked versions that pyproject.toml allows; `--upgrade` takes the newest releases,
# `--upgrade-package NAME` one package's.
set -eu
cd "$(dirname "$0")/.."
options=$*
compile() {
  # Options of uv, one word each.
  # shellcheck disable=SC2086
  .venv/bin/uv pip compile -q $options --universal --python-version 3.11 --generate-hashes --no-header \
    --no-annotate pyproject.toml "$@"
}
compile -o requirements.txt
# The smaller sets follow the larger one, so that one environment can hold them all.
compile --group dev -c requirements.txt -o requirements-dev.txt
compile --group embedded -c requirements-dev.txt -o requirements-demo.txt
# shellcheck disable=SC2086
.venv/bin/uv pip compile -q $options --universal --python-version 3.11 --generate-hashes --no-header \
  --no-annotate --group bootstrap -o requirements-uv.txt
