"""
Servers for a run that leaves nothing: embedded ones, or a database of its own on those given.

A run against somebody's server makes a database and login roles under names of its own, and takes
both away again: nothing that is there is read, and no password of a role that is there is set.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.database.login_roles import DatabaseRoles
from config.embedded import embedded_servers
from config.embedded.embedded_servers import ServerUrls
from tests.bench import databases


@dataclass(frozen=True)
class Own:
    """
    What `service.running` is given.

    :param extra: settings by name, of the processes and of whoever looks at their database
    :param embedded: whether the files of the database are ours to look at
    """

    urls: ServerUrls
    extra: Mapping[str, str]
    embedded: bool


@contextmanager
def run_own_servers(
    data: Path,
    *,
    settings: Mapping[str, str],
    given: Mapping[str, str] | None = None,
    template: str | None = None,
) -> Iterator[Own]:
    """
    Yield servers for one run.

    :param template: the database on the given server to copy; None: the database is empty
    :raises EmbeddedServersUnavailable: if those given do not answer, or none can be started here
    """
    given = os.environ if given is None else given
    with embedded_servers.run_servers(data, settings=settings, environment=given) as urls:
        if not given.get("DATABASE_URL"):
            yield Own(urls, {}, embedded=True)
            return
        name = f"antares_{secrets.token_hex(6)}"
        database = databases.create_database(urls.database, name, template=template)
        try:
            mine = ServerUrls(database=database, broker=urls.broker)
            yield Own(mine, {"DATABASE_ROLE_PREFIX": name}, embedded=False)
        finally:
            databases.drop(urls.database, name)
            databases.drop_roles(urls.database, DatabaseRoles(name))
