"""Addresses of rows: what `reverse` returns for each."""

from __future__ import annotations

from django.urls import reverse

from accounts.ids import uuid7
from integrations.web.row_urls import RowUrl


def test_are_those_of_the_route():
    rows = [uuid7() for _ in range(3)]
    url = RowUrl("inbox-thread")

    assert [url.get_url(row) for row in rows] == [
        reverse("inbox-thread", args=[row]) for row in rows
    ]


def test_may_have_more_after_the_id():
    row = uuid7()

    assert RowUrl("inbox-body").get_url(row) == reverse("inbox-body", args=[row])
