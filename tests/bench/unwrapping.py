"""
The inbox page with its keys under OpenBao, against the same with keys in files.

Two databases in one process, each with its people and its own keyring, answer in turn, to a web
process's login. People come and go as they like; what is counted is how often a page had to ask for
its key.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import orjson
from django.conf import settings

from config.process_classes import ProcessClass
from integrations.models import Integration
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_keys
from limited_use.vault.keyring.keyring_factory import get_keyring, parse_keyring_config
from limited_use.vault.keyring.keyring_file import FileKeyring
from limited_use.vault.keyring.keyring_port import KeyBinding, Keyring, KeyringConfig
from limited_use.vault.keyring.keyring_transit import TransitKeyring
from limited_use.vault.keyring.transit_store import TransitClient
from tests.bench import caller, classes, figures, mailbox, measure, pairs, sizes
from tests.bench.caller import Caller
from tests.bench.figures import Figure
from tests.factories import make_organisation, make_user
from tests.openbao import server

PEOPLE, VISITS = sizes.choose_size(40, tiny=2), sizes.choose_size(20, tiny=3)
MESSAGES = 60
# Keys that are unwrapped one after another, without a page.
UNWRAPS = sizes.choose_size(400, tiny=4)
PATH = "/v1/users/me/messages"


@dataclass
class Side:
    """One database, its keyring, its people, and what their pages took."""

    database: Any
    # The login of a web process there, by which the pages are read.
    web: Any
    place: KeyringConfig | None
    people: list[tuple[Caller, Integration]] = field(default_factory=list)
    # Seconds of pages whose key was in memory, and of those that had to ask for it.
    known: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    unwraps: list[float] = field(default_factory=list)

    @contextmanager
    def inside(self, *, as_web: bool = False) -> Iterator[Keyring]:
        """Have the service use this database and this keyring."""
        before = parse_keyring_config()
        _configure_keyring(self.place or before._replace(url=""))
        try:
            with classes.use_database(self.web if as_web else self.database):
                yield get_keyring()
        finally:
            _configure_keyring(before)


def _configure_keyring(place: KeyringConfig) -> None:
    # Not `override_settings`, which empties Django's cache of settings for every page.
    settings.KEYRING = replace(settings.KEYRING, **place._asdict())


def run_benchmark() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, server.run_openbao(Path(folder)) as openbao:
        place = openbao.place("bench")
        TransitKeyring.create(place._replace(token=openbao.root))
        with pairs.copy_database() as (first, second), ExitStack() as stack:
            webs = (
                stack.enter_context(classes.logged_in(ProcessClass.WEB, to=one))
                for one in (first, second)
            )
            files, bao = Side(first, next(webs), None), Side(second, next(webs), place)
            for side in (files, bao):
                with side.inside():
                    side.people = _make_people()
                    mailbox.settle_tables()
            _measure_unwraps(files, bao)
            calls = _visit(files, bao)
    return _build_figures(files, bao, calls)


def _make_people() -> list[tuple[Caller, Integration]]:
    organisation = make_organisation()
    found = []
    for _ in range(PEOPLE):
        person = make_user("person", organisation=organisation)
        theirs = mailbox.make_owned_mailbox(person, organisation)
        mailbox.load(mailbox.make_sealed_rows(theirs, MESSAGES))
        found.append((caller.signed_in(person), theirs))
    return found


def _measure_unwraps(*sides: Side) -> None:
    """Unwrap keys by each keyring in turn, nothing kept in between."""
    for number in range(UNWRAPS):
        for side in sides:
            holder = side.people[number % PEOPLE][1].id
            with side.inside() as ring:
                row = data_keys.read_row(holder)
                if row is None:
                    raise AssertionError("there is no key to unwrap")
                bound = KeyBinding(row.holder, row.key_id)
                began = time.perf_counter()
                root = ring.unwrap(row.line, row.kek_epoch, row.wrapped, bound)
                side.unwraps.append(time.perf_counter() - began)
            if data_keys.compute_data_key_id(root) != row.key_id:
                raise AssertionError("another key came out")


def _visit(*sides: Side) -> list[str]:
    """Let everybody read their inbox, in no order; return what the key store was asked."""
    order = [person for person in range(PEOPLE) for _ in range(VISITS)]
    random.Random(3).shuffle(order)  # noqa: S311 - repeatable
    calls: list[str] = []
    data_keys.drop_cached_keys()
    with _watch_method(TransitClient, "call_api", lambda _, path, *__: calls.append(path)):
        for person in order:
            for side in sides:
                _read_inbox_page(side, person)
    for side in sides:
        if (len(side.asked), len(side.known)) != (PEOPLE, PEOPLE * (VISITS - 1)):
            raise AssertionError(f"{len(side.asked)} pages asked for a key of {PEOPLE} people")
    return calls


def _read_inbox_page(side: Side, person: int) -> None:
    unwrapped: list[object] = []
    kind = TransitKeyring if side.place else FileKeyring
    browser = side.people[person][0]
    with (
        side.inside(as_web=True),
        _watch_method(kind, "unwrap", lambda *asked: unwrapped.append(asked)),
    ):
        began = time.perf_counter()
        body = browser.get(PATH)
        seconds = time.perf_counter() - began
    if len(orjson.loads(body)["data"]) != 50 or body.count(b'"subject":"Message ') != 50:
        raise AssertionError("the page is not what was sealed")
    (side.asked if unwrapped else side.known).append(seconds)


@contextmanager
def _watch_method(kind: type, name: str, note: Callable[..., object]) -> Iterator[None]:
    """Have `note` called with what a method of `kind` is called with, before it does its work."""
    does = getattr(kind, name)

    def call_watched(one: object, *arguments: Any) -> Any:
        note(*arguments)
        return does(one, *arguments)

    with mock.patch.object(kind, name, call_watched):
        yield


def _build_figures(files: Side, bao: Side, calls: list[str]) -> list[Figure]:
    pages = len(bao.known) + len(bao.asked)
    # Beside each mailbox's key, once per process, the one by which the ledger names people.
    mailboxes = [
        path for path in calls if "/decrypt/" in path and path.endswith(f"-{KeyLine.CONTENT}")
    ]
    if len(mailboxes) != len(bao.asked) or len(calls) - len(mailboxes) > 1:
        raise AssertionError(f"{len(calls)} requests to the key store, such as {calls[:3]}")
    return [
        figures.make_ratio_figure(
            "a key unwrapped",
            1e6 * measure.median(bao.unwraps),
            "µs",
            baseline=1e6 * measure.median(files.unwraps),
            against="a keyring of files",
            note=f"median of {UNWRAPS} in turn; 95th percentile"
            f" {1e6 * measure.p95(bao.unwraps):.0f} µs; OpenBao on this machine, raft on disk",
        ),
        figures.plain(
            "keys found in memory",
            100 * len(bao.known) / pages,
            "%",
            note=f"{len(calls)} requests to OpenBao for {pages} pages of {PEOPLE} people, who read"
            f" {VISITS} each within {data_keys.CACHE_SECONDS:.0f} s",
        ),
        figures.make_ratio_figure(
            "page whose key is in memory",
            1000 * measure.median(bao.known),
            "ms",
            baseline=1000 * measure.median(files.known),
            against="the same page, a keyring of files",
            most=1.1,
            note=f"median of {len(bao.known)} in turn; nothing is asked of OpenBao",
        ),
        figures.make_ratio_figure(
            "page that asks for its key",
            1000 * measure.median(bao.asked),
            "ms",
            baseline=1000 * measure.median(files.asked),
            against="the same page, a keyring of files",
            note=f"median of {len(bao.asked)} in turn: each person's first",
        ),
    ]
