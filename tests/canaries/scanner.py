"""
Search every store for markers that must not be there. Free of Django: smoke uses it as well.

    needles = Needles({"mail": "kz7m…", "refresh token": "1//…"})
    hits = scan(needles, Stores(database_url=…, broker_url=…, files=[…], texts={…}))

An empty answer means something only because `control.py` plants a leak in each store, in
each encoding, and has it found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.canaries import stores
from tests.canaries.needles import Needles

__all__ = ["Hit", "Needles", "Seen", "Stores", "scan", "search"]


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """One marker found where it must not be."""

    store: str
    where: str
    needle: str
    encoding: str


@dataclass(frozen=True, slots=True)
class Stores:
    """
    Where to look. What is left out is not looked at.

    :param files: looked at as the store `files`
    :param folders: the same, by the name of the store
    :param texts: mail, recorded requests: by name, what they hold
    :param excluded: tables not to look at, such as `accounts_user`: the account's own name
    """

    database_url: str = ""
    broker_url: str = ""
    files: tuple[Path, ...] = ()
    folders: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    texts: Mapping[str, Iterable[bytes]] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()


@dataclass(slots=True)
class Seen:
    """What a search found, and how many bytes of each store it looked at."""

    hits: list[Hit]
    sizes: Counter[str]


def scan(needles: Needles, where: Stores) -> list[Hit]:
    """Return everything that was found, sorted."""
    return search(needles, where).hits


def search(needles: Needles, where: Stores) -> Seen:
    """Return everything that was found, sorted, and where it was looked for."""
    hits: set[Hit] = set()
    # A store that was looked at and is empty was looked at all the same.
    sizes = Counter(dict.fromkeys(_iterate_store_names(where), 0))
    for store, place, data in _pieces(where):
        sizes[store] += len(data)
        hits |= {Hit(store, place, *found) for found in needles.found_in(data)}
    return Seen(sorted(hits), sizes)


def _iterate_store_names(where: Stores) -> Iterator[str]:
    if where.database_url:
        yield from ("rows", "sessions")
    if where.broker_url:
        yield "broker"
    yield from where.folders
    yield from where.texts


def _pieces(where: Stores) -> Iterator[tuple[str, str, bytes]]:
    if where.database_url:
        yield from _database(where)
    if where.broker_url:
        for place, data in stores.broker(where.broker_url):
            yield "broker", place, data
    for name, paths in {"files": where.files, **where.folders}.items():
        for place, data in stores.files(paths):
            yield name, place, data
    for name, texts in where.texts.items():
        for number, data in enumerate(texts):
            yield name, str(number), data


def _database(where: Stores) -> Iterator[tuple[str, str, bytes]]:
    with psycopg.connect(where.database_url, autocommit=True) as connection:
        for place, data in stores.read_rows(connection, excluded=where.excluded):
            yield "rows", place, data
        for place, data in stores.sessions(connection):
            yield "sessions", place, data
