"""Find a person."""

from __future__ import annotations

from django.contrib import messages as page_messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.models import LookupMeans
from integrations.support import acts, lookups, messages
from limited_use.guard.guard import AccessRefused
from limited_use.policy.claims import claim

from .find_form import FindForm

#: The same for an unknown, foreign, used or expired value, and for the agent's own.
NOBODY_FOUND = claim(
    "support.nobody-found", gettext_lazy("Nobody was found. The look-up was recorded.")
)


@sensitive_post_parameters("value")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.VIEW_CONNECTIONS)
def show_console(request: HttpRequest) -> HttpResponse:
    """A POST looks somebody up. The typed value is in no address, log or later page."""
    if request.method != "POST":
        return _show_form(request, FindForm(initial={"means": LookupMeans.ADDRESS}))
    form = FindForm(request.POST)
    return _find(request, form) if form.is_valid() else _show_form(request, form, status=400)


def _find(request: HttpRequest, form: FindForm) -> HttpResponse:
    try:
        found = lookups.find_people(
            form.make_request(), actor=get_actor(request), at=timezone.now()
        )
    except lookups.LookupInvalid:
        form.add_value_error()
        return _show_form(request, form, status=400)
    except lookups.TooManyLookups:
        form.add_error(
            None,
            claim(
                "support.too-many-look-ups",
                _("Too many look-ups within an hour. The attempt was recorded. Try again later."),
            ),
        )
        return _show_form(request, form, status=429)
    except AccessRefused as refusal:
        raise PermissionDenied from refusal
    if len(found) == 1:
        return redirect("support-person", found[0])
    if found:
        several = _("%(count)d people have this address. Each has an open look-up below.")
        page_messages.info(request, several % {"count": len(found)})
    else:
        page_messages.warning(request, NOBODY_FOUND)
    return redirect("support-console")


def _show_form(request: HttpRequest, form: FindForm, *, status: int = 200) -> HttpResponse:
    actor, at = get_actor(request), timezone.now()
    open_lookups = lookups.list_open_lookups(actor=actor, at=at)
    context = {
        "form": form,
        "lookups": [
            {"row": row, "means": messages.MEANS[row.means], "reason": messages.REASON[row.reason]}
            for row in open_lookups
        ],
        "minutes": lookups.LOOKUP_MINUTES,
        "acts": [
            {"row": act, "kind": messages.ACT[act.kind], "state": messages.ACT_STATE[act.state]}
            for act in acts.list_own_acts(actor=actor, at=at)
        ],
    }
    return render(request, "console/find.html", context, status=status)
