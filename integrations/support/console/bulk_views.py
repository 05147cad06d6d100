from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages as flash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.actors import Actor, get_actor
from accounts.reauthentication import require_recent_confirmation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission, has_role_permission
from integrations.support import bulk_receipts, bulk_revocation, messages

from . import bulk_pages
from .bulk_form import BulkForm

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from integrations.models import BulkRevocation


@never_cache
@require_safe
@require_permission(RolePermission.APPROVE_BULK)
def list_bulks(request: HttpRequest) -> HttpResponse:
    context = {
        "lines": bulk_pages.list_lines(),
        "can_propose": has_role_permission(
            request.user, RolePermission.REVOKE_CONNECTIONS, mfa=True
        ),
    }
    return render(request, "console/bulks.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.REVOKE_CONNECTIONS)
def propose(request: HttpRequest) -> HttpResponse:
    form = BulkForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        bulk = bulk_revocation.propose_bulk(
            form.get_proposal(), actor=get_actor(request), at=timezone.now()
        )
        flash.success(request, messages.BULK_PROPOSED)
        return redirect("support-bulk", bulk.id)
    status = 400 if form.errors else 200
    return render(request, "console/bulk_new.html", {"form": form}, status=status)


@never_cache
@require_safe
@require_permission(RolePermission.APPROVE_BULK)
def show_bulk(request: HttpRequest, bulk_id: UUID) -> HttpResponse:
    """The page asks again for its numbers, and is loaded again when the state changes."""
    bulk = _get_bulk(bulk_id)
    if request.headers.get("HX-Request"):
        if request.GET.get("state") != bulk.state:
            return HttpResponseClientRefresh()
        return render(
            request, "console/_bulk_progress.html", bulk_pages.build_progress_context(bulk)
        )
    context = bulk_pages.build_context(
        bulk, reader_id=get_actor(request).id, beyond=_parse_id(request.GET.get("beyond"))
    )
    return render(request, "console/bulk.html", context)


@never_cache
@require_POST
@require_permission(RolePermission.APPROVE_BULK)
@require_recent_confirmation(_("Approve a bulk revocation"))
def approve(request: HttpRequest, bulk_id: UUID) -> HttpResponse:
    return _change(request, bulk_id, bulk_revocation.approve_bulk, messages.BULK_APPROVED)


@never_cache
@require_POST
@require_permission(RolePermission.APPROVE_BULK)
@require_recent_confirmation(_("Reject a bulk revocation"))
def reject(request: HttpRequest, bulk_id: UUID) -> HttpResponse:
    return _change(request, bulk_id, bulk_revocation.reject_bulk, messages.BULK_REJECTED)


@never_cache
@require_POST
@require_permission(RolePermission.APPROVE_BULK)
def stop(request: HttpRequest, bulk_id: UUID) -> HttpResponse:
    """Needs no confirmation: a stop must not wait."""
    return _change(request, bulk_id, bulk_revocation.stop_bulk, messages.BULK_STOPPED)


@never_cache
@require_safe
@require_permission(RolePermission.APPROVE_BULK)
def download_receipts(request: HttpRequest, bulk_id: UUID, form: str) -> HttpResponse:  # noqa: ARG001 - a view
    bulk = _get_bulk(bulk_id)
    write, content_type = {
        "csv": (bulk_receipts.write_csv, "text/csv; charset=utf-8"),
        "json": (bulk_receipts.write_json, "application/json"),
    }[form]
    response = HttpResponse(write(bulk.id), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="receipts-{bulk.id}.{form}"'
    return response


def _change(
    request: HttpRequest,
    bulk_id: UUID,
    operation: Callable[..., None],
    done: StrOrPromise,
) -> HttpResponse:
    actor: Actor = get_actor(request)
    at: datetime = timezone.now()
    bulk = _get_bulk(bulk_id)
    try:
        operation(bulk.id, actor=actor, at=at)
    except bulk_revocation.SecondPersonNeeded:
        flash.error(request, messages.BULK_OWN)
    except bulk_revocation.BulkNotOpen:
        flash.error(request, messages.BULK_NOT_OPEN)
    else:
        flash.success(request, done)
    return redirect("support-bulk", bulk.id)


def _get_bulk(bulk_id: UUID) -> BulkRevocation:
    """:raises Http404:"""
    bulk = bulk_pages.get_bulk(bulk_id)
    if bulk is None:
        raise Http404
    return bulk


def _parse_id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
