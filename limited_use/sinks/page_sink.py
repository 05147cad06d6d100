"""The sink of pages: rows and permits in, rendered HTML out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from accounts.actors import Actor
from limited_use.policy.policy_vocabulary import Recipient

from . import json_sink, sealed_rows, template_values
from .sealed_rows import SHOWN_FOR, Permits, SealedRow
from .template_values import Shape, TemplateItem
from .traceback_guard import guard_plaintext

__all__ = ["SealedRow", "TemplateItem", "render_document", "render_page"]


@guard_plaintext
def render_page(  # noqa: PLR0913 - a template, what it shows, and why it may
    template: str,
    rows: Sequence[SealedRow],
    *,
    permits: Permits,
    actor: Actor,
    shape: Shape,
    at: datetime,
    context: Mapping[str, Any] | None = None,
    under: str = "items",
    request: HttpRequest | None = None,
    all_or_nothing: bool = False,
) -> bytes:
    """
    Return `template` in UTF-8, with `context` and, as `under`, the shaped rows.

    Only `{% reveal %}` shows opened values; see `TemplateItem`.

    :param all_or_nothing: refuse damaged columns; otherwise they are left out
    :raises WrongSink, Unopenable:
    """
    sealed_rows.check_permits(
        permits, actor=actor, purposes=SHOWN_FOR, recipients={Recipient.OWNER}
    )
    opened_rows = sealed_rows.open_rows(rows, permits, at=at, skip_damaged=not all_or_nothing)
    items = (shape(row, values) for row, values in opened_rows)
    return template_values.render_template(
        template, items, context=context or {}, under=under, request=request
    )


@guard_plaintext
def render_document(
    row: SealedRow, *, permits: Permits, actor: Actor, shape: json_sink.Shape, at: datetime
) -> bytes:
    """
    Return the document that `shape` makes under `body`: a mail's own sanitised HTML.

    :raises WrongSink, Unopenable:
    """
    sealed_rows.check_permits(
        permits, actor=actor, purposes=SHOWN_FOR, recipients={Recipient.OWNER}
    )
    bodies = [
        shape(source_row, values)["body"]
        for source_row, values in sealed_rows.open_rows([row], permits, at=at)
    ]
    return bodies[0] if isinstance(bodies[0], bytes) else str(bodies[0]).encode()
