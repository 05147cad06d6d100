from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actors import get_actor
from accounts.reauthentication import require_recent_confirmation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.models import PurgeJob
from integrations.purge import ledger_key_release
from integrations.web import ownership
from limited_use.models.ledger_keys import LedgerKey

from .messages import purge as texts


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(_("Download your part of the ledger"), is_download=True)
def download_ledger_part(request: HttpRequest, purge_id: UUID) -> HttpResponse:
    """On POST, destroy its key, commit, and return the file: it is downloaded once."""
    job = ownership.get_own_purge(get_actor(request), purge_id)
    at = timezone.now()
    if request.method == "POST":
        try:
            document = ledger_key_release.take_ledger_file(
                job_id=job.id, user_id=job.user_id, at=at
            )
        except ledger_key_release.LedgerKeyNotOffered:
            return _render_gone(request, job)
        response = HttpResponse(document, content_type="application/json")
        response["Content-Disposition"] = f'attachment; filename="ledger-part-{job.id}.json"'
        return response
    row = ledger_key_release.get_ledger_key(job.integration.connection_id)
    if row is None or not row.is_offered(at):
        return _render_gone(request, job)
    context = {"purge": job, "part": row, "gone": ""}
    return render(request, "settings/ledger_part.html", context)


def _render_gone(request: HttpRequest, job: PurgeJob) -> HttpResponse:
    row = ledger_key_release.get_ledger_key(job.integration.connection_id)
    context = {
        "purge": job,
        "part": row,
        "gone": _explain_absence(row),
        "commitment": "" if row is None else bytes(row.commitment).hex(),
    }
    return render(request, "settings/ledger_part.html", context, status=410)


def _explain_absence(row: LedgerKey | None) -> str:
    if row is None:
        return str(texts.NO_LEDGER_KEY)
    # Expired, but the task that destroys it has not run yet.
    has_expired = not row.outcome and row.offered_until is not None
    return str(texts.LEDGER_FILE_OVER if has_expired else texts.LEDGER_FILE_ABSENT[row.outcome])
