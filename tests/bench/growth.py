"""
The same page with 10,000 and with 300,000 messages in the table.

Two databases, the larger one begun as a copy of the smaller, answer in turn: what else the machine
does meets both alike. Read with the login of a web process, which is shown one person's rows.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import orjson

from config.process_classes import ProcessClass
from integrations.models import Message
from tests.bench import caller, classes, figures, mailbox, measure, pairs, sizes
from tests.bench.figures import Figure
from tests.factories import make_organisation, make_user

OWN = sizes.choose_size(1_500, tiny=120)
SMALL, LARGE = sizes.choose_size(10_000, tiny=200), sizes.choose_size(300_000, tiny=400)
# Messages per mailbox of somebody else.
OF_OTHERS = 2_900
RUNS, WARM_UP = sizes.choose_size(600, tiny=3), sizes.choose_size(30, tiny=1)
PATH = "/v1/users/me/messages"


def run_benchmark() -> list[Figure]:
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    _fill_table(
        [mailbox.make_sealed_rows(mailbox.make_owned_mailbox(alice, organisation), OWN)],
        organisation,
        SMALL,
    )
    browser = caller.signed_in(alice)
    with pairs.copy_database() as (small, large):
        with classes.use_database(large):
            _fill_table([], organisation, LARGE - SMALL)
        return _build_figures(_measure_samples(small, large, browser))


def _measure_samples(small: Any, large: Any, browser: caller.Caller) -> measure.Samples:
    pages = {}
    for name, database, count in (("small", small, SMALL), ("large", large, LARGE)):
        with classes.use_database(database):
            if Message.objects.count() != count:
                raise AssertionError(f"{Message.objects.count()} messages instead of {count}")
            pages[name] = orjson.loads(browser.get(PATH))
    if pages["small"]["data"] != pages["large"]["data"] or len(pages["large"]["data"]) != 50:
        raise AssertionError("the two databases answer different pages")
    second = urlencode({"cursor": pages["small"]["next_cursor"]})
    with ExitStack() as stack:
        small, large = (
            stack.enter_context(classes.logged_in(ProcessClass.WEB, to=one))
            for one in (small, large)
        )
        # What is at hand when the last call is over is put back.
        stack.enter_context(classes.use_database(small))
        return measure.interleaved(
            {
                "small": _prepare_page_request(small, browser),
                "large": _prepare_page_request(large, browser),
                "small, second": _prepare_page_request(small, browser, second),
                "large, second": _prepare_page_request(large, browser, second),
            },
            runs=RUNS,
            warm_up=WARM_UP,
        )


def _fill_table(rows: list[mailbox.Rows], organisation: Any, count: int) -> None:
    count -= sum(len(one.messages) for one in rows)
    while count:
        part = min(count, OF_OTHERS)
        owner = make_user("other", organisation=organisation)
        rows.append(mailbox.make_sealed_rows(mailbox.make_owned_mailbox(owner, organisation), part))
        count -= part
        if len(rows) == 20:
            mailbox.load(*rows)
            rows = []
    if rows:
        mailbox.load(*rows)
    mailbox.settle_tables()


def _prepare_page_request(
    database: Any, browser: caller.Caller, query: str = ""
) -> Callable[[], None]:
    def request_page() -> None:
        classes.turn_to(database)
        browser.get(PATH, query)

    return request_page


def _build_figures(samples: measure.Samples) -> list[Figure]:
    figure_of = {
        "page, p95": ("small", "large"),
        "second page, p95": ("small, second", "large, second"),
    }
    return [
        figures.make_ratio_figure(
            name,
            1000 * measure.p95(samples.clock[large]),
            "ms",
            baseline=1000 * measure.p95(samples.clock[small]),
            against=f"{SMALL:,} messages in the table; ours has {LARGE:,}",
            most=1.2,
            note=f"{RUNS} runs each, in turn; medians"
            f" {1000 * measure.median(samples.clock[large]):.2f} and"
            f" {1000 * measure.median(samples.clock[small]):.2f} ms",
        )
        for name, (small, large) in figure_of.items()
    ]
