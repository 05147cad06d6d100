from __future__ import annotations

from datetime import date
from urllib.parse import urlencode
from uuid import UUID

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import display_times
from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.coordination import person_slots
from integrations.settings import account_overview
from integrations.web import ownership
from limited_use.ledger import tile_store

from . import activity_days, activity_downloads, activity_filters, activity_log, activity_summary
from .activity_filters import ActivityFilterForm
from .activity_log import LedgerSubjects


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_activity(request: HttpRequest) -> HttpResponse:
    """Show the newest days below a summary, or those before the day `before`."""
    subjects = _find_subjects(request)
    form = ActivityFilterForm(request.GET, connections=subjects.connections)
    query = activity_filters.build_query(form)
    before = _parse_day(request.GET.get("before"))
    today = display_times.to_reader_time(timezone.now()).date()
    page = activity_days.get_activity_page(subjects, query, before=before, today=today)
    is_newest = before is None and not _get_filters(form)
    context = {
        **_get_filter_context(form),
        "page": page,
        "today": today,
        "is_first_page": before is None,
        "summary": activity_summary.summarise_activity(page.activity) if is_newest else None,
        "next_query": _add_to_query(
            form, before=page.next_before.isoformat() if page.next_before else ""
        ),
        "removals": account_overview.list_purges(actor=get_actor(request)),
    }
    return render(request, "settings/activity.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def list_entries(request: HttpRequest) -> HttpResponse:
    """List single entries with their proofs, page by page."""
    subjects = _find_subjects(request)
    form = ActivityFilterForm(request.GET, connections=subjects.connections)
    after = _parse_uuid(request.GET.get("after"))
    lines, next_after = activity_log.get_activity_page(
        subjects, activity_filters.build_query(form), after=after
    )
    context = {
        **_get_filter_context(form),
        "lines": lines,
        "is_first_page": after is None,
        "next_query": _add_to_query(form, after=str(next_after) if next_after else ""),
    }
    return render(request, "settings/activity_entries.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def download_activity(request: HttpRequest, form: str) -> HttpResponseBase:
    """Stream the file with the page's filters."""
    subjects = _find_subjects(request)
    query = activity_filters.build_query(
        ActivityFilterForm(request.GET, connections=subjects.connections)
    )
    write, content_type = {
        "csv": (activity_downloads.stream_activity_csv, "text/csv; charset=utf-8"),
        "json": (activity_downloads.stream_activity_json, "application/json"),
    }[form]
    user_id, _ = ownership.get_owner_ids(get_actor(request))
    with person_slots.STREAM_SLOTS.lend_slot(user_id) as slot:
        parts = write(activity_log.iterate_lines(subjects, query))
        response = StreamingHttpResponse(
            person_slots.hold_stream_slot(slot, parts), content_type=content_type
        )
    response["Content-Disposition"] = f'attachment; filename="data-activity.{form}"'
    return response


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def download_proof(request: HttpRequest, own_entry_id: UUID) -> HttpResponse:
    """Return the inclusion proof of one of the person's entries (C2SP tlog-proof)."""
    if not activity_log.is_own_entry(_find_subjects(request), own_entry_id):
        raise Http404
    try:
        (proven,) = tile_store.prove_entries([own_entry_id])
    except tile_store.EntryNotSequenced:
        return render(request, "settings/proof_not_ready.html", status=409)
    response = HttpResponse(proven.proof, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="entry-{own_entry_id}.tlog-proof"'
    return response


def _find_subjects(request: HttpRequest) -> LedgerSubjects:
    user_id, organisation_id = ownership.get_owner_ids(get_actor(request))
    return activity_log.find_subjects(user_id=user_id, organisation_id=organisation_id)


def _get_filters(form: ActivityFilterForm) -> dict[str, str]:
    """Return the valid filters as they were sent."""
    return {name: form.data[name] for name, value in form.cleaned_data.items() if value}


def _get_filter_context(form: ActivityFilterForm) -> dict[str, object]:
    filters = _get_filters(form)
    return {
        "form": form,
        "is_filtered": bool(filters or form.errors),
        "query": urlencode(filters),
    }


def _add_to_query(form: ActivityFilterForm, **cursor: str) -> str:
    """Return the query of the next page; "" without a cursor."""
    return urlencode({**_get_filters(form), **cursor}) if any(cursor.values()) else ""


def _parse_day(value: str | None) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        return None


def _parse_uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None
