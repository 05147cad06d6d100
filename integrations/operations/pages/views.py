"""The first page of operators: open alarms, and how the service runs."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages as flash_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.actors import get_actor
from accounts.alarms import AlarmSettledBefore
from accounts.models import Alarm
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.operations import alarm_guide, metrics, open_alarms
from limited_use.usage import settled_alarms

from . import alarm_groups, figure_tables, messages
from .figures import StoredFigures
from .settle_form import SettleForm


@never_cache
@require_safe
@require_permission(RolePermission.VIEW_OPERATIONS)
def show_operations(request: HttpRequest) -> HttpResponse:
    return render(request, "operations/operations.html", _build_context())


@never_cache
@require_POST
@require_permission(RolePermission.SETTLE_ALARMS)
def settle_alarm(request: HttpRequest, alarm_id: UUID) -> HttpResponse:
    """Settle an alarm, or show the page again with an error at the reason."""
    alarm = Alarm.objects.filter(id=alarm_id).first()
    if alarm is None:
        raise Http404
    if alarm.settled_at is not None:
        return _report_settled_before(request)
    form = SettleForm(request.POST, auto_id=f"{alarm_id}-%s")
    if not form.is_valid():
        form.fields["reason"].widget.attrs["autofocus"] = True
        context = _build_context({alarm_id: form})
        status = HTTPStatus.BAD_REQUEST
        return render(request, "operations/operations.html", context, status=status)
    try:
        settled_alarms.settle_alarm(
            alarm_id,
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
            operator_id=get_actor(request).user_id,
        )
    except AlarmSettledBefore:
        return _report_settled_before(request)
    title = alarm_guide.get_alarm_title(alarm.kind)
    flash_messages.success(request, messages.SETTLED % {"title": title})
    return redirect("operations")


def _report_settled_before(request: HttpRequest) -> HttpResponse:
    flash_messages.warning(request, messages.SETTLED_BEFORE)
    return redirect("operations")


def _build_context(failed_forms: Mapping[UUID, SettleForm] | None = None) -> dict[str, Any]:
    at, stored = timezone.now(), StoredFigures()
    return {
        "groups": alarm_groups.list_alarm_groups(at=at, failed_forms=failed_forms),
        "quiet_alarms": open_alarms.list_quiet_alarms(since=at - metrics.ALARM_PERIOD, most=20),
        "processes": figure_tables.list_process_rows(stored, at=at),
        "tables": figure_tables.list_tables(stored),
        "measured_at": stored.measured_at,
        "measured": stored.get_measured_at(),
        "is_fresh": stored.is_fresh(at),
    }
