"""
The sink towards support: one item that its owner opened.

The owner's consent is a fence: a withdrawal or expiry after the decision still closes the item.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from accounts.actors import Actor, ActorKind
from limited_use.access_request import FenceKind
from limited_use.policy.policy_vocabulary import Purpose, Recipient

from . import sealed_rows, template_values
from .sealed_rows import Permits, SealedRow
from .template_values import Shape, TemplateItem
from .traceback_guard import WrongSink, guard_plaintext

__all__ = ["SealedRow", "TemplateItem", "render_item"]


@guard_plaintext
def render_item(  # noqa: PLR0913 - a template, the item that it shows, and why it may
    template: str,
    row: SealedRow,
    *,
    item_id: UUID,
    permits: Permits,
    actor: Actor,
    shape: Shape,
    at: datetime,
    context: Mapping[str, Any] | None = None,
    request: HttpRequest | None = None,
) -> bytes:
    """
    Return `template` in UTF-8, with the item under `items`.

    :param item_id: the item of the consent, to which every sealed column has to belong
    :raises WrongSink, Unopenable:
    """
    sealed_rows.check_permits(
        permits,
        actor=actor,
        purposes={Purpose.SUPPORT_ITEM},
        recipients={Recipient.SUPPORT_AGENT},
    )
    if actor.kind != ActorKind.PERSON:
        raise WrongSink
    for permit in permits.values():
        has_consent = any(fence.kind == FenceKind.CONSENT for fence in permit.fences)
        if permit.item != item_id or not has_consent:
            raise WrongSink
    if any(sealed.binding.row != item_id for sealed in row.sealed.values() if sealed is not None):
        raise WrongSink
    items = (
        shape(source_row, values)
        for source_row, values in sealed_rows.open_rows([row], permits, at=at)
    )
    return template_values.render_template(
        template, items, context=context or {}, under="items", request=request
    )
