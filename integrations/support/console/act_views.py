"""Pages of one act: its effect in numbers before the order, and its progress afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.contrib import messages as page_messages
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import get_actor
from accounts.reauthentication import require_recent_confirmation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.models import (
    REVOCATIONS,
    PurgeJob,
    SupportAct,
    SupportActKind,
    SupportActState,
    SupportLookup,
)
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from integrations.support import acts, lookups, messages
from limited_use.models import Receipt

from .act_form import ActForm, TargetForm

_TONES: Final[Mapping[str, str]] = {
    SupportActState.DONE: "good",
    SupportActState.FAILED: "bad",
    SupportActState.STOPPED: "warn",
    SupportActState.WAITING: "info",
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.REVOKE_CONNECTIONS)
@require_recent_confirmation(_("Change the connections of another person"))
def order_act(request: HttpRequest, lookup_id: UUID) -> HttpResponse:
    """Show the effect, and order the act."""
    actor, at = get_actor(request), timezone.now()
    lookup = lookups.get_open_lookup(lookup_id, actor=actor, at=at)
    if lookup is None:
        raise Http404
    is_order = request.method == "POST"
    target_form = TargetForm(request.POST if is_order else request.GET)
    target = target_form.get_target()
    if target is None:
        return _refuse(request, lookup, messages.UNKNOWN_ACT)
    form = ActForm(request.POST if is_order else None, kind=target.kind)
    try:
        integrations = acts.list_target_integrations(target, lookup=lookup)
        if is_order and form.is_valid():
            act, is_new = acts.order_act(
                form.make_order(target), lookup_id=lookup.id, actor=actor, at=at
            )
            if not is_new:
                page_messages.info(request, messages.ALREADY_ORDERED)
            return redirect("support-act", act.id)
    except acts.UnknownObject:
        raise Http404 from None
    except acts.LocalCalendars:
        return _refuse(request, lookup, messages.LOCAL_CALENDARS)
    except acts.ReconnectFirst:
        return _refuse(request, lookup, messages.RECONNECT_FIRST)
    counted = acts.count_target_effect(target, integrations, lookup=lookup)
    context = {
        "lookup": lookup,
        "target": target_form,
        "form": form,
        "heading": messages.ACT[target.kind],
        "is_revocation": target.kind in REVOCATIONS,
        "sends_link": target.kind == SupportActKind.SEND_RECEIPT_LINK,
        "names": [
            {
                "product": name_product(integration.connection.provider, integration.product),
                "provider": PROVIDERS[integration.connection.provider].label,
                "connected_at": integration.connection.connected_at,
            }
            for integration in integrations
        ],
        "effects": messages.describe_effect(counted.to_json()),
    }
    status = 400 if form.errors else 200
    return render(request, "console/act_new.html", context, status=status)


@never_cache
@require_safe
@require_permission(RolePermission.REVOKE_CONNECTIONS)
def show_act(request: HttpRequest, act_id: UUID) -> HttpResponse:
    """Show an own act, or one for a person whom the agent found; any other is unknown."""
    act = acts.get_act(act_id)
    if act is None:
        raise Http404
    is_poll = bool(request.headers.get("HX-Request"))
    template = "console/_act.html" if is_poll else "console/act.html"
    return render(request, template, _describe_act(act))


def _refuse(request: HttpRequest, lookup: SupportLookup, why: object) -> HttpResponse:
    return render(request, "console/act_refused.html", {"lookup": lookup, "why": why}, status=400)


def _describe_act(act: SupportAct) -> dict[str, Any]:
    # Row security shows them while a look-up of the person is open.
    jobs = PurgeJob.objects.filter(support_act_id=act.id).annotate(
        product=F("integration__product"), provider=F("integration__connection__provider")
    )
    removals = [_describe_removal(job) for job in jobs.order_by("id")]
    is_waiting = act.state == SupportActState.WAITING
    return {
        "act": act,
        "heading": messages.ACT[act.kind],
        "state": messages.ACT_STATE[act.state],
        "tone": _TONES.get(act.state, ""),
        "reason": messages.REASON[act.reason],
        "effects": messages.describe_effect(act.effect),
        "removals": removals,
        "hides_removals": act.kind in REVOCATIONS and act.done_count > 0 and not removals,
        "is_moving": is_waiting or any(not removal["receipt_id"] for removal in removals),
        "is_waiting": is_waiting,
    }


def _describe_removal(job: Any) -> dict[str, Any]:
    """:param job: a `PurgeJob`, with its provider and product"""
    receipts = Receipt.objects.filter(subject_id=job.integration_id).order_by("part")
    return {
        "name": name_product(job.provider, job.product),
        "step": messages.PURGE_STEP[job.step],
        "fenced_at": job.fenced_at,
        "receipt_id": job.receipt_id,
        "receipts": list(receipts.values("id", "part", "created_at")),
    }
