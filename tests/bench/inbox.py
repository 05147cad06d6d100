"""
Pages of 50 and 200 messages through the API, against the same view on rows that are not protected.

Every variant answers over the whole WSGI application, to the same person, from the same database.
Ours and the plain rows do so with the login of a web process, behind the same row-level security;
plain rows once more, and the others, as the owner of the tables, from whom nothing is hidden.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from django.db import connections

from config.process_classes import ProcessClass
from limited_use.models import Leaf
from tests.bench import baselines, caller, classes, figures, mailbox, measure, sizes
from tests.bench.figures import Figure
from tests.factories import make_organisation, make_user

OWN = sizes.choose_size(1_500, tiny=210)
OTHERS, OF_OTHERS = sizes.choose_size(20, tiny=1), sizes.choose_size(500, tiny=10)
RUNS, WARM_UP = sizes.choose_size(400, tiny=3), sizes.choose_size(30, tiny=1)
# What is shown unless somebody asks for more, and the most that anybody can ask for.
PAGE, LARGEST = 50, 200

OURS = "/v1/users/me/messages"
PLAIN, FERNET, COLUMNS = "/bench/plain/me", "/bench/fernet/me", "/bench/columns/me"
MORE = f"limit={LARGEST}"


def run_benchmark() -> list[Figure]:
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    own = mailbox.make_owned_mailbox(alice, organisation)
    rows = [mailbox.make_sealed_rows(own, OWN, keep=True)]
    for _ in range(OTHERS):
        other = mailbox.make_owned_mailbox(
            make_user("other", organisation=organisation), organisation
        )
        rows.append(mailbox.make_sealed_rows(other, OF_OTHERS, keep=True))
    mailbox.load(*rows)
    baselines.write_baseline_rows(rows, own.connection_id)
    mailbox.settle_tables()
    browser = caller.signed_in(alice)
    feature = caller.feature_of(alice, organisation)
    before = Leaf.objects.count()
    with classes.logged_in(ProcessClass.WEB) as web:
        _same_answers(browser, web)
        samples = _measure_samples(browser, feature, web)
    written = Leaf.objects.count() - before
    # The two that were compared, and those that were measured.
    if written != 2 + 3 * (RUNS + WARM_UP):
        raise AssertionError(f"{written} ledger entries for {3 * (RUNS + WARM_UP)} pages of ours")
    return _build_figures(samples)


def _measure_samples(browser: caller.Caller, feature: caller.Caller, web: Any) -> measure.Samples:
    owner = connections["default"]

    def prepare_page_request(
        who: caller.Caller, path: str, query: str = "", *, database: Any = web
    ) -> Callable[[], object]:
        return classes.as_of(database, lambda: who.get(path, query))

    with classes.use_database(owner):
        return measure.interleaved(
            {
                "ours": prepare_page_request(browser, OURS),
                "plain": prepare_page_request(browser, PLAIN),
                "unwalled": prepare_page_request(browser, PLAIN, database=owner),
                "fernet": prepare_page_request(browser, FERNET, database=owner),
                "columns": prepare_page_request(browser, COLUMNS, database=owner),
                "feature": prepare_page_request(feature, OURS),
                "feature, plain": prepare_page_request(feature, PLAIN),
                "largest": prepare_page_request(browser, OURS, MORE),
                "largest, plain": prepare_page_request(browser, PLAIN, MORE),
                "largest, unwalled": prepare_page_request(browser, PLAIN, MORE, database=owner),
            },
            runs=RUNS,
            warm_up=WARM_UP,
        )


def _same_answers(browser: caller.Caller, web: Any) -> None:
    """:raises AssertionError: unless all variants answer the same page"""
    with classes.use_database(web):
        ours, largest = (orjson.loads(browser.get(OURS, query))["data"] for query in ("", MORE))
        behind = orjson.loads(browser.get(PLAIN))["data"]
    if len(ours) != PAGE or not all(one["subject"].startswith("Message ") for one in ours):
        raise AssertionError("the page is not what was sealed")
    if behind != ours:
        raise AssertionError("plain rows are not shown behind the wall")
    for path in (PLAIN, FERNET):
        if orjson.loads(browser.get(path))["data"] != ours:
            raise AssertionError(f"{path} answers another page")
    plain = orjson.loads(browser.get(PLAIN, MORE))["data"]
    if len(largest) != LARGEST or largest[:PAGE] != ours or plain != largest:
        raise AssertionError("the largest page is another one")
    columns = orjson.loads(browser.get(COLUMNS))["results"]
    for theirs, one in zip(columns, ours, strict=True):
        if any(theirs[name] != one[name] for name in ("id", "subject", "snippet", "to", "size")):
            raise AssertionError("the columns' page is another one")


def _build_figures(samples: measure.Samples) -> list[Figure]:
    ms = {name: 1000 * measure.median(found) for name, found in samples.clock.items()}
    own = {name: 1000 * measure.median(found) for name, found in samples.processor.items()}

    def p95_of(name: str) -> float:
        return 1000 * measure.p95(samples.clock[name])

    return [
        figures.make_ratio_figure(
            f"page of {PAGE} rows, to its owner",
            ms["ours"],
            "ms",
            baseline=ms["columns"],
            against="a DRF ModelSerializer page of the same fields, unguarded",
            most=0.7,
            note=f"median of {RUNS} in turn; 95th percentile {p95_of('ours'):.2f} ms",
        ),
        figures.make_ratio_figure(
            "… in processor time",
            own["ours"],
            "ms",
            baseline=own["columns"],
            against="the same; the database and its disk are not in it",
        ),
        figures.make_ratio_figure(
            "guard, vault and ledger, in processor time",
            own["ours"],
            "ms",
            baseline=own["plain"],
            against="the same view on plain rows, without them",
            most=1.1,
        ),
        figures.make_limit_figure(
            "… and what they add to the time of a page",
            max(0.0, ms["ours"] - ms["plain"]),
            "ms",
            most=1.0,
        ),
        figures.make_ratio_figure(
            "… as a ratio",
            ms["ours"],
            "ms",
            baseline=ms["plain"],
            against="the same view; what both share is in both",
        ),
        figures.make_ratio_figure(
            "… and the wall in the database",
            ms["ours"],
            "ms",
            baseline=ms["unwalled"],
            against="the same on plain rows, and no row-level security either",
        ),
        figures.make_ratio_figure(
            f"page of {LARGEST} rows",
            ms["largest"],
            "ms",
            baseline=ms["largest, plain"],
            against="the same view on plain rows",
            note=f"median of {RUNS} in turn; 95th percentile {p95_of('largest'):.2f} ms",
        ),
        figures.make_ratio_figure(
            "… and the wall in the database",
            ms["largest"],
            "ms",
            baseline=ms["largest, unwalled"],
            against="the same on plain rows, and no row-level security either",
        ),
        figures.make_ratio_figure(
            "… in processor time",
            own["largest"],
            "ms",
            baseline=own["largest, plain"],
            against="the same",
        ),
        figures.make_ratio_figure(
            "page, to a feature by token",
            ms["feature"],
            "ms",
            baseline=ms["feature, plain"],
            against="the same, on plain rows",
            note=f"median of {RUNS} in turn",
        ),
        figures.make_times_figure(
            f"page of {PAGE} rows, by an encrypted field",
            ms["ours"],
            "ms",
            baseline=ms["fernet"],
            against="django-fernet-encrypted-fields in the same view, unguarded",
        ),
    ]
