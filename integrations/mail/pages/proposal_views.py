"""Drafts that features propose: the owner opens them in the form of a message, or deletes them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as page_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import ObjectNotFound, get_request_context
from integrations.mail.sending import messages, proposal_list

from .compose_views import SeeOther


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def discard_proposal(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    try:
        proposal_list.discard_proposal(get_request_context(request), proposal_id)
    except ObjectNotFound:
        raise Http404 from None
    page_messages.success(request, messages.PROPOSAL_DISCARDED)
    return SeeOther(reverse("inbox-outbox"))
