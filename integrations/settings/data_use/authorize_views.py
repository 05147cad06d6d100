"""
`/oauth/authorize`: a platform feature asks a person to switch it on.

The person reads what *Access* shows about the feature, and decides. `accounts.oauth.authorization`
reads the request and answers the feature.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from csp.decorators import csp_update
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import delegations
from accounts.actors import Actor, ActorKind, get_actor
from accounts.models import Delegation
from accounts.oauth.authorization import (
    AuthorizationRefused,
    AuthorizationRequest,
    UntrustedLink,
    read_authorization_request,
)
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import connections
from integrations.access import permits
from integrations.web import ownership
from integrations.web.form_numbers import read_number
from limited_use.agreements import consents
from limited_use.guard import guard
from limited_use.policy.feature_registry import FEATURES

from . import feature_status, messages

_NOT_NOW: Final = "The person did not allow it."
_NO_ORGANISATION: Final = "The person belongs to no organisation."


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def authorize_feature(request: HttpRequest) -> HttpResponse:
    """On POST, allow or deny, and take the person back to the feature."""
    at = timezone.now()
    try:
        authorization = read_authorization_request(request, at=at)
    except UntrustedLink as link:
        context = {"problem": messages.LINK_PROBLEM[link.problem]}
        return render(request, "settings/authorize_problem.html", context, status=400)
    except AuthorizationRefused as refusal:
        return refusal.response
    return _ask_person(request, authorization, at)


def _ask_person(
    request: HttpRequest, authorization: AuthorizationRequest, at: datetime
) -> HttpResponse:
    actor = get_actor(request)
    if (reason := _explain_undeclared_purpose(authorization, actor, at)) is not None:
        return authorization.refuse_purpose(reason)
    try:
        user_id, organisation_id = ownership.get_owner_ids(actor)
    except Http404:
        return authorization.deny(_NO_ORGANISATION)
    if request.method == "POST":
        if request.POST.get("decision") != "allow":
            return authorization.deny(_NOT_NOW)
        delegation = _switch_on(request, authorization, (user_id, organisation_id), at)
        if delegation is not None:
            return authorization.allow(delegation)
    status = feature_status.get_feature_status(
        FEATURES[authorization.client.feature],
        user_id=user_id,
        organisation_id=organisation_id,
        at=at,
    )
    return _render_question(request, authorization, status)


def _explain_undeclared_purpose(
    authorization: AuthorizationRequest, actor: Actor, at: datetime
) -> str | None:
    """Return why the feature may not have the purpose; the ledger records the refusal."""
    client_actor = Actor(
        kind=ActorKind.CLIENT,
        id=authorization.client.id,
        user_id=actor.user_id,
        organisation_id=actor.organisation_id,
        feature=authorization.client.feature,
        purpose=authorization.purpose,
    )
    try:
        permits.refuse_undeclared_purpose(actor=client_actor, at=at)
    except guard.AccessRefused as refusal:
        return refusal.message
    return None


def _switch_on(
    request: HttpRequest,
    authorization: AuthorizationRequest,
    owner: tuple[UUID, UUID],
    at: datetime,
) -> Delegation | None:
    """
    Return the live delegation for the present text.

    None if the form has another version of the text, or no agreement to it.
    """
    declared = FEATURES[authorization.client.feature]
    live = Delegation.objects.live().of(*owner)
    present = live.filter(feature=declared.key, feature_version=declared.version)
    if (delegation := present.first()) is not None:
        return delegation
    if request.POST.get("agree") != "yes":
        return None
    user_id, organisation_id = owner
    try:
        return connections.switch_on_feature(
            user_id=user_id,
            organisation_id=organisation_id,
            feature=declared.key,
            version=read_number(request.POST.get("version", "")) or 0,
            at=at,
        )
    except consents.DeclarationOutdated:
        return None
    except delegations.DelegationExists:
        # Another tab was faster.
        return present.first()


def _render_question(
    request: HttpRequest, authorization: AuthorizationRequest, status: feature_status.FeatureStatus
) -> HttpResponse:
    context = {
        "status": status,
        "is_on": status.state == feature_status.FeatureState.ON,
        "redirect_origin": authorization.redirect_origin,
        # The form's address repeats the client's parameters.
        "action": request.get_full_path(),
        "is_form_incomplete": request.method == "POST",
    }

    # Chromium applies form-action to the redirect that follows the form.
    @csp_update({"form-action": [authorization.redirect_origin]})
    def render_page(http: HttpRequest) -> HttpResponse:
        return render(http, "settings/authorize.html", context)

    return render_page(request)  # type: ignore[return-value]  # the decorator widens the type
