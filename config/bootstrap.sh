#!/bin/sh
# Install a requirements file into .venv: `sh config/bootstrap.sh requirements-dev.txt`.
# Needs python3 (3.11 or newer) with pip 22.3 or newer, or with venv; nothing else, and no root.
# uv takes seconds; if it fails, pip installs the same hashes.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE
python=${PYTHON:-python3}
requirements=$1
inside="$PWD/.venv/bin/python"
stamp=".venv/stamp-$requirements"

missing() { printf '%s\n' "$1" >&2; exit 1; }

wanted=$(cat "$requirements" requirements-uv.txt | cksum)
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && "$inside" -c '' 2>/dev/null; then exit 0; fi

command -v "$python" >/dev/null 2>&1 || missing "python3 is missing: install Python 3.11 or newer (Debian: apt-get install python3 python3-pip)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || missing "$python is too old: Python 3.11 or newer is needed"

if "$python" -c 'import pip, sys; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (22, 3))' 2>/dev/null; then
  # Works without ensurepip, and never touches the system's own packages.
  "$inside" -c '' 2>/dev/null || "$python" -m venv --clear --without-pip .venv || missing "$python cannot make an environment: install venv (Debian: apt-get install python3-venv)"
  pip() { "$python" -m pip --python "$inside" "$@"; }
else
  "$inside" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv >/dev/null 2>&1 || missing "$python has neither pip 22.3 nor venv: install one (Debian: apt-get install python3-pip or python3-venv)"
  pip() { "$inside" -m pip "$@"; }
fi

printf 'setting up .venv from %s (the first time downloads it)\n' "$requirements" >&2
# uv does not read pip's configuration, so pass on its index.
index=$(pip config get global.index-url 2>/dev/null || true)
if [ -n "$index" ] && [ -z "${UV_DEFAULT_INDEX:-}" ]; then export UV_DEFAULT_INDEX="$index"; fi
if { [ -x .venv/bin/uv ] || pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.txt; } >/dev/null 2>&1 &&
  .venv/bin/uv pip install -q --python "$inside" --require-hashes -r "$requirements" 2>/dev/null; then
  :
else
  printf 'uv could not; pip does it, which takes a minute\n' >&2
  pip install -q --disable-pip-version-check --require-hashes -r "$requirements" || missing "the packages of $requirements could not be installed: the reason stands above"
fi
printf '%s\n' "$wanted" >"$stamp"
