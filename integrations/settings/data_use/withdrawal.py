"""The page that asks before an agreement is withdrawn: what ends, counted from rows, what stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest

from integrations import connections
from integrations.access import permits, scopes
from integrations.access.request_context import Asked
from integrations.calendar import calendar_access
from integrations.calendar.pages import named_calendars
from integrations.models import Integration, Message, Thread
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from integrations.web import ownership, row_counts
from limited_use.sinks import page as page_sink
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.port import KeyStoreUnavailable

from . import feature_status
from .feature_status import Standing, State

TEMPLATE: Final = "settings/feature_withdraw.html"


@dataclass(frozen=True, slots=True)
class _Page:
    """
    What is asked, by whom, and what ends.

    :param integrations: what the withdrawal disconnects
    """

    request: HttpRequest
    asked: Asked
    feature: Standing
    integrations: Sequence[Integration]


def render(request: HttpRequest, asked: Asked, feature: Standing) -> bytes:
    """Return the page that asks whether to withdraw the agreement to `feature`."""
    integrations = connections.kept_for(feature=feature.feature, **_owner(asked))
    page = _Page(request, asked, feature, integrations)
    if "calendar" in connections.kept_products(feature.feature):
        return _render_calendars(page)
    try:
        return _render_accounts(page, shows_addresses=True)
    except (KeyStoreUnavailable, Unopenable):
        return _render_accounts(page, shows_addresses=False)


def _render_accounts(page: _Page, *, shows_addresses: bool) -> bytes:
    """Return the page of a feature that keeps mail, or of one that keeps nothing."""
    actor, at = page.asked.actor, page.asked.at
    ids = [one.connection_id for one in page.integrations] if shows_addresses else []
    return page_sink.render(
        TEMPLATE,
        [
            page_sink.Row(one, {"email": one.connection.email} if shows_addresses else {})
            for one in page.integrations
        ],
        permits=permits.to_show_accounts(actor=actor, connection_ids=ids, at=at),
        actor=actor,
        shape=partial(
            _show_mailbox,
            messages=row_counts.count_by_integration(Message, page.integrations),
            threads=row_counts.count_by_integration(Thread, page.integrations),
        ),
        at=at,
        context={**_context(page), "calendars": [], "local_count": 0, "share_count": 0},
        under="accounts",
        request=page.request,
    )


def _show_mailbox(
    integration: Integration,
    opened: Mapping[str, bytes],
    *,
    messages: Mapping[UUID, int],
    threads: Mapping[UUID, int],
) -> page_sink.Shown:
    clear = {
        **_describe_account(integration),
        "has_address": "email" in opened,
        "message_count": messages.get(integration.id, 0),
        "thread_count": threads.get(integration.id, 0),
    }
    return page_sink.Shown(clear, {"email": opened.get("email", b"").decode()})


def _render_calendars(page: _Page) -> bytes:
    """Return the page of the feature that keeps copies of calendars."""
    asked = page.asked
    own = calendar_access.own(actor=asked.actor, user_id=asked.user_id)
    ending = {integration.id for integration in page.integrations}
    copies = [one for one in own if one.calendar.integration_id in ending]
    local = [one for one in own if one.calendar.is_local]
    return named_calendars.render_calendars(
        page.request,
        asked,
        [*copies, *local],
        TEMPLATE,
        context={
            **_context(page),
            "accounts": [_describe_account(one) for one in page.integrations],
            "local_count": len(local),
            "share_count": sum(
                row_counts.count_shares([row.calendar for row in copies], at=asked.at).values()
            ),
        },
        # Of words that were not agreed to yet nothing may be opened.
        nameable=[*copies, *local] if page.feature.state is State.ON else local,
    )


def _describe_account(integration: Integration) -> dict[str, Any]:
    connection = integration.connection
    return {
        "id": integration.id,
        "title": name_product(connection.provider, integration.product),
        "connected_at": connection.connected_at,
        "has_address": False,
        "message_count": 0,
        "thread_count": 0,
    }


def _context(page: _Page) -> dict[str, Any]:
    providers = {PROVIDERS[one.connection.provider].label for one in page.integrations}
    return {
        "one": page.feature,
        "products": {integration.product for integration in page.integrations},
        "providers": sorted(providers),
        "account_count": len(page.integrations),
        "also_withdrawn": _list_also_withdrawn(page) if page.integrations else [],
    }


def _list_also_withdrawn(page: _Page) -> list[str]:
    """Return the titles of other features that were agreed to for the same accounts alone."""
    keys = {
        feature.key
        for product in connections.kept_products(page.feature.feature)
        for feature in scopes.features_for(product)
    }
    return [
        other.feature.title
        for other in feature_status.features(**_owner(page.asked), at=page.asked.at)
        if other.feature.key in keys - {page.feature.feature.key}
        and other.state in {State.ON, State.AGAIN}
    ]


def _owner(asked: Asked) -> dict[str, UUID]:
    user_id, organisation_id = ownership.ids(asked.actor)
    return {"user_id": user_id, "organisation_id": organisation_id}
