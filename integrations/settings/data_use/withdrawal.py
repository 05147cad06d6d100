from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext

from integrations import connections
from integrations.access import scopes
from integrations.access.request_context import RequestContext
from integrations.calendar import calendar_access
from integrations.calendar.pages import named_calendars
from integrations.models import DriveFile, Integration, Message, Thread
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from integrations.web import account_rows, ownership, row_counts
from limited_use.policy.policy_vocabulary import Purpose
from limited_use.sinks import page_sink
from limited_use.sinks.calendar_sink import AccountRows

from . import feature_status
from .feature_status import FeatureState, FeatureStatus

TEMPLATE: Final = "settings/feature_withdraw.html"


@dataclass(frozen=True, slots=True)
class _WithdrawalPage:
    """:param integrations: those that the withdrawal disconnects"""

    request: HttpRequest
    request_context: RequestContext
    status: FeatureStatus
    integrations: Sequence[Integration]


def render_withdrawal(
    request: HttpRequest, request_context: RequestContext, status: FeatureStatus
) -> bytes:
    integrations = connections.list_dependent_integrations(
        feature=status.feature, **_get_owner(request_context)
    )
    page = _WithdrawalPage(request, request_context, status, integrations)
    if "calendar" in connections.get_dependent_products(status.feature):
        return _render_calendars(page)
    return _render_accounts(page)


def _render_accounts(page: _WithdrawalPage) -> bytes:
    """For features that store mail, uploads or nothing."""
    shape = partial(
        _show_account_with_counts,
        messages=row_counts.count_by_integration(Message, page.integrations),
        threads=row_counts.count_by_integration(Thread, page.integrations),
        uploads=row_counts.count_by_integration(DriveFile, page.integrations),
    )
    return account_rows.render_account_page(
        page.request,
        TEMPLATE,
        _list_rows(page, shape),
        context={**_get_context(page), "calendars": [], "local_count": 0, "share_count": 0},
        at=page.request_context.at,
    )


def _list_rows(page: _WithdrawalPage, shape: account_rows.ShowAccount) -> AccountRows:
    return account_rows.list_account_rows(
        [(integration, integration.connection) for integration in page.integrations],
        actor=page.request_context.actor,
        shape=shape,
        at=page.request_context.at,
    )


def _show_account_with_counts(
    integration: Integration,
    opened: Mapping[str, bytes],
    *,
    messages: Mapping[UUID, int],
    threads: Mapping[UUID, int],
    uploads: Mapping[UUID, int],
) -> page_sink.TemplateItem:
    clear = {
        **_describe_account(integration),
        "has_address": "email" in opened,
        "message_count": messages.get(integration.id, 0),
        "thread_count": threads.get(integration.id, 0),
        "upload_count": uploads.get(integration.id, 0),
    }
    return page_sink.TemplateItem(clear, {"email": opened.get("email", b"").decode()})


def _render_calendars(page: _WithdrawalPage) -> bytes:
    """For the feature that caches calendars."""
    request_context = page.request_context
    own = calendar_access.get_own_calendars(
        actor=request_context.actor, user_id=request_context.user_id
    )
    ending = {integration.id for integration in page.integrations}
    copies = [visible for visible in own if visible.calendar.integration_id in ending]
    local = [visible for visible in own if visible.calendar.is_local]
    return named_calendars.render_calendars(
        page.request,
        request_context,
        [*copies, *local],
        TEMPLATE,
        context={
            **_get_context(page),
            "local_count": len(local),
            "share_count": sum(
                row_counts.count_shares(
                    [row.calendar for row in copies], at=request_context.at
                ).values()
            ),
        },
        # Without agreement to the current version, nothing may be opened.
        nameable=[*copies, *local] if page.status.state is FeatureState.ON else local,
        accounts=_list_rows(page, _show_account),
    )


def _show_account(integration: Integration, opened: Mapping[str, bytes]) -> page_sink.TemplateItem:
    return page_sink.TemplateItem(
        {**_describe_account(integration), "has_address": "email" in opened},
        {"email": opened.get("email", b"").decode()},
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
        "upload_count": 0,
    }


def _get_context(page: _WithdrawalPage) -> dict[str, Any]:
    providers = {PROVIDERS[account.connection.provider].label for account in page.integrations}
    return {
        "status": page.status,
        "products": {integration.product for integration in page.integrations},
        "providers": sorted(providers),
        "account_count": len(page.integrations),
        "keeps_outbox": page.status.feature.declares_use(Purpose.MAIL_SEND),
        "also_withdrawn": _list_also_withdrawn(page) if page.integrations else [],
    }


def _list_also_withdrawn(page: _WithdrawalPage) -> list[str]:
    """Return other features with agreements about these accounts only."""
    keys = {
        feature.key
        for product in connections.get_dependent_products(page.status.feature)
        for feature in scopes.list_product_features(product)
    }
    return [
        gettext(other.feature.title)
        for other in feature_status.list_features(
            **_get_owner(page.request_context), at=page.request_context.at
        )
        if other.feature.key in keys - {page.status.feature.key}
        and other.state in {FeatureState.ON, FeatureState.AGAIN}
    ]


def _get_owner(request_context: RequestContext) -> dict[str, UUID]:
    user_id, organisation_id = ownership.get_owner_ids(request_context.actor)
    return {"user_id": user_id, "organisation_id": organisation_id}
