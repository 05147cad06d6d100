#!/bin/sh
# Write a software bill of materials (CycloneDX 1.6, JSON) of production's locked requirements:
# `sh config/sbom.sh FILE`. The same requirements make the same file.
set -eu
cd "$(dirname "$0")/.."
mkdir -p "$(dirname "$1")"
# The tool warns that requirements do not say which package needs which.
PYTHONWARNINGS=ignore .venv/bin/cyclonedx-py requirements --pyproject pyproject.toml \
  --sv 1.6 --of JSON --output-reproducible -o "$1" requirements.txt
printf 'wrote %s\n' "$1"
