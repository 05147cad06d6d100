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
log=.venv/bootstrap.log
# The log is read by people.
export PIP_NO_COLOR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 NO_COLOR=1

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

is_offline() {
  grep -Eqi 'name resolution|name or service not known|nodename nor servname|establish a new connection|connection (refused|reset|timed out)|connect(ion)? error|network is unreachable|no route to host|read timed out|dns error|error sending request|proxyerror|cannot connect to proxy|tunnel connection failed' "$log"
}

# A missing network is one plain line. Other reasons are printed in full.
give_up() {
  if is_offline; then
    missing "No network: the packages of $requirements could not be downloaded. Connect this machine, or set HTTPS_PROXY or PIP_INDEX_URL, and try again. (Details: $log)"
  fi
  cat "$log" >&2
  missing "The packages of $requirements could not be installed, for the reason above."
}

install_with_uv() {
  # Few retries: without a network, the answer should come soon.
  [ -x .venv/bin/uv ] || pip install -q --retries 1 --require-hashes -r requirements-uv.txt >"$log" 2>&1 || return 1
  .venv/bin/uv pip install -q --python "$inside" --require-hashes -r "$requirements" >"$log" 2>&1
}

printf 'Installing the packages of %s into .venv. The first time downloads them.\n' "$requirements"
# uv does not read pip's configuration, so pass on its index.
index=$(pip config get global.index-url 2>/dev/null || true)
if [ -n "$index" ] && [ -z "${UV_DEFAULT_INDEX:-}" ]; then export UV_DEFAULT_INDEX="$index"; fi
if ! install_with_uv; then
  # Without a network for pip, a second attempt by pip is in vain.
  if is_offline && [ ! -x .venv/bin/uv ]; then give_up; fi
  printf 'uv could not install them. Trying pip, which takes about a minute.\n'
  pip install -q --require-hashes -r "$requirements" >"$log" 2>&1 || give_up
fi
printf '%s\n' "$wanted" >"$stamp"
