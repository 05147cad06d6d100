"""Queries of message lists, by time and by words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from . import graph_message


def build_list_query(since: datetime | None, until: datetime | None) -> dict[str, str]:
    """Graph requires the ordered property first in the filter."""
    bounds = [f"receivedDateTime ge {_format_time(since)}"] if since else []
    bounds += [f"receivedDateTime lt {_format_time(until)}"] if until else []
    parameters = {
        "$orderby": "receivedDateTime desc",
        "$select": graph_message.HEAD_FIELDS,
        "$count": "true",
    }
    return parameters | ({"$filter": " and ".join(bounds)} if bounds else {})


def build_search(query: str, since: datetime | None, until: datetime | None) -> str:
    """
    A search takes no filter, and its days are those of the mailbox's zone, so `is_within`
    decides.
    """
    words = [query.strip().replace("\\", "\\\\").replace('"', '\\"')]
    day = timedelta(days=1)
    words += [f"received>={since - day:%Y-%m-%d}"] if since else []
    words += [f"received<={until + day:%Y-%m-%d}"] if until else []
    return f'"{" ".join(words)}"'


def is_within(item: Mapping[str, Any], since: datetime | None, until: datetime | None) -> bool:
    if since is None and until is None:
        return True
    try:
        at = graph_message.parse_received_at(item)
    except ValueError:
        return False
    is_late = since is None or at >= since.replace(microsecond=0)
    return is_late and (until is None or at < until.replace(microsecond=0))


def _format_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
