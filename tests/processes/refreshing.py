"""
A process that wants a token: ``python -m tests.processes.refreshing CONNECTION THREADS GATE``.

Each thread waits at the gate, an advisory lock, so that all of all processes start together;
it prints a hash of the token that it was given, or the name of what was raised.
"""

from __future__ import annotations

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import django


def main(connection_id: str, threads: str, gate: str) -> None:
    django.setup()
    with ThreadPoolExecutor(int(threads)) as pool:
        jobs = [pool.submit(ask, UUID(connection_id), int(gate)) for _ in range(int(threads))]
        sys.stdout.writelines(f"{job.result()}\n" for job in jobs)


def ask(connection_id: UUID, gate: int) -> str:
    from django.db import connection as database

    from integrations.grants import access_tokens

    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock_shared(%s)", [gate])
            cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [gate])
        token = access_tokens.get_provider_access(connection_id=connection_id).token()
        return hashlib.sha256(token.encode()).hexdigest()
    except Exception as error:  # noqa: BLE001 - the test reads its name
        return type(error).__name__
    finally:
        database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
