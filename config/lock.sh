#!/bin/sh
# Resolve pyproject.toml into hashed requirements that name no host. uv.lock would name one.
set -eu
cd "$(dirname "$0")/.."
compile() {
  .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
    --no-annotate pyproject.toml "$@"
}
compile -o requirements.txt
# The smaller sets follow the larger one, so that one environment can hold them all.
compile --group dev -c requirements.txt -o requirements-dev.txt
compile --group embedded -c requirements-dev.txt -o requirements-demo.txt
.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
  --no-annotate --group bootstrap -o requirements-uv.txt
