from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages as flash_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import delegations
from accounts.actors import get_actor
from accounts.reauthentication import require_recent_confirmation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import connections
from integrations.access.request_context import get_request_context
from integrations.calendar import sharing
from integrations.web import ownership
from integrations.web.form_numbers import read_number
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES, Feature

from . import feature_status, messages, withdrawal

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ACCESS_ROUTE = "settings-access"


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_access(request: HttpRequest) -> HttpResponse:
    """Show who can use the person's data, with a switch for each feature and share."""
    actor, at = get_actor(request), timezone.now()
    context = {
        "sections": feature_status.group_features(
            feature_status.list_features(**_get_owner(request), at=at)
        ),
        "given_shares": sharing.list_given_shares(actor=actor, at=at),
        "received_shares": sharing.list_received_shares(actor=actor, at=at),
        "service_rules": feature_status.list_service_rules(),
        "forbidding_rules": feature_status.list_forbidding_rules(),
    }
    return render(request, "settings/data_access.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def show_feature(request: HttpRequest, key: str) -> HttpResponse:
    """On POST, switch the feature on or off, or agree to it again."""
    declared, owner = _get_feature(key), _get_owner(request)
    status = feature_status.get_feature_status(declared, **owner, at=timezone.now())
    if request.method != "POST":
        if status.state in {
            feature_status.FeatureState.USES_NOTHING,
            feature_status.FeatureState.EACH_TIME,
        }:
            raise Http404
        return render(request, "settings/feature.html", {"status": status})
    if request.POST.get("switch") == "off":
        return _switch_off(request, declared, owner)
    if request.POST.get("agree") != "yes":
        return redirect("settings-feature", key)
    return _agree_to_feature(request, declared, owner)


def _agree_to_feature(
    request: HttpRequest, declared: Feature, owner: dict[str, UUID]
) -> HttpResponse:
    agree = connections.switch_on_feature if declared.platform_client else connections.renew_consent
    try:
        agree(
            feature=declared.key,
            version=read_number(request.POST.get("version", "")) or 0,
            at=timezone.now(),
            **owner,
        )
    except consents.DeclarationOutdated:
        flash_messages.info(request, str(messages.FEATURE_CHANGED))
        return redirect("settings-feature", declared.key)
    except delegations.DelegationExists:
        flash_messages.info(request, _name_feature(messages.ALREADY_ON, declared))
    except connections.NoEarlierConsent:
        raise Http404 from None
    else:
        flash_messages.success(request, _name_feature(messages.SWITCHED_ON, declared))
    return redirect(ACCESS_ROUTE)


def _switch_off(request: HttpRequest, declared: Feature, owner: dict[str, UUID]) -> HttpResponse:
    if not declared.platform_client:
        # Withdrawing this agreement removes data: a page lists it first.
        return redirect("settings-feature-withdraw", declared.key)
    try:
        connections.switch_off_feature(
            delegation_id=ownership.parse_uuid(request.POST.get("delegation")),
            **owner,
            at=timezone.now(),
        )
    except connections.OnInOtherOrganisation:
        flash_messages.error(request, _name_feature(messages.ON_ELSEWHERE, declared))
    except delegations.DelegationNotLive:
        flash_messages.info(request, _name_feature(messages.ALREADY_OFF, declared))
    else:
        flash_messages.success(request, _name_feature(messages.SWITCHED_OFF, declared))
    return redirect(ACCESS_ROUTE)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(_("Withdraw your agreement and remove its stored data"))
def withdraw_agreement(request: HttpRequest, key: str) -> HttpResponse:
    declared, owner = _get_feature(key), _get_owner(request)
    status = feature_status.get_feature_status(declared, **owner, at=timezone.now())
    is_agreed = status.state in {feature_status.FeatureState.ON, feature_status.FeatureState.AGAIN}
    if declared.platform_client or declared.kept_until_removed or not is_agreed:
        raise Http404
    if request.method == "POST":
        jobs = connections.withdraw_consent(feature=key, at=timezone.now(), **owner)
        flash_messages.success(request, _name_feature(messages.AGREEMENT_WITHDRAWN, declared))
        return redirect("settings-purge", jobs[0].id) if len(jobs) == 1 else redirect(ACCESS_ROUTE)
    return HttpResponse(withdrawal.render_withdrawal(request, get_request_context(request), status))


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def withdraw_item(request: HttpRequest, consent_id: UUID) -> HttpResponse:
    owner = _get_owner(request)
    if not connections.withdraw_item_consent(consent_id=consent_id, at=timezone.now(), **owner):
        raise Http404
    flash_messages.success(request, str(messages.SUPPORT_ACCESS_ENDED))
    return redirect(ACCESS_ROUTE)


def _name_feature(text: StrOrPromise, feature: Feature) -> str:
    return str(text) % {"feature": gettext(feature.title)}


def _get_owner(request: HttpRequest) -> dict[str, UUID]:
    user_id, organisation_id = ownership.get_owner_ids(get_actor(request))
    return {"user_id": user_id, "organisation_id": organisation_id}


def _get_feature(key: str) -> Feature:
    declared = FEATURES.get(key)
    if declared is None or not declared.purposes:
        raise Http404
    return declared
