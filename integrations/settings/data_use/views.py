from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.utils import timezone
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
from integrations.coordination import person_slots
from integrations.settings import account_overview
from integrations.web import ownership
from integrations.web.form_numbers import read_number
from limited_use.agreements import consents
from limited_use.ledger import tile_store
from limited_use.policy.claims import claim
from limited_use.policy.feature_registry import FEATURES, Feature

from . import activity_downloads, activity_filters, activity_log, feature_status, withdrawal

ACTIVITY_ROUTE = "settings-uses"


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_activity(request: HttpRequest) -> HttpResponse:
    owner = _get_owner(request)
    subjects = activity_log.find_subjects(**owner)
    form = activity_filters.ActivityFilterForm(request.GET, connections=subjects.connections)
    activity_query = activity_filters.build_query(form)
    after = _parse_uuid(request.GET.get("after"))
    lines, next_after = activity_log.get_activity_page(subjects, activity_query, after=after)
    # Only valid filters.
    query = {name: request.GET[name] for name, value in form.cleaned_data.items() if value}
    context = {
        "features": feature_status.list_features(**owner, at=timezone.now()),
        "given": sharing.list_given_shares(actor=get_actor(request), at=timezone.now()),
        "received": sharing.list_received_shares(actor=get_actor(request), at=timezone.now()),
        "service_rules": feature_status.list_service_rules(),
        "never": feature_status.list_forbidding_rules(),
        "form": form,
        "lines": lines,
        "has_many": len(subjects.connections) > 1,
        "is_filtered": bool(query or form.errors),
        "is_later_page": after is not None,
        "query": urlencode(query),
        "next_query": urlencode({**query, "after": str(next_after)}) if next_after else "",
        "removals": account_overview.list_purges(actor=get_actor(request)),
    }
    return render(request, "settings/uses.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def download_activity(request: HttpRequest, form: str) -> HttpResponseBase:
    """Stream the file with the page's filters."""
    owner = _get_owner(request)
    subjects = activity_log.find_subjects(**owner)
    activity_query = activity_filters.build_query(
        activity_filters.ActivityFilterForm(request.GET, connections=subjects.connections)
    )
    write, content_type = {
        "csv": (activity_downloads.stream_activity_csv, "text/csv; charset=utf-8"),
        "json": (activity_downloads.stream_activity_json, "application/json"),
    }[form]
    with person_slots.STREAM_SLOTS.lend_slot(owner["user_id"]) as slot:
        parts = write(activity_log.iterate_lines(subjects, activity_query))
        response = StreamingHttpResponse(
            person_slots.hold_stream_slot(slot, parts), content_type=content_type
        )
    response["Content-Disposition"] = f'attachment; filename="who-used-my-data.{form}"'
    return response


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def download_proof(request: HttpRequest, own_entry_id: UUID) -> HttpResponse:
    """Return the inclusion proof of one of the person's entries (C2SP tlog-proof)."""
    if not activity_log.is_own_entry(
        activity_log.find_subjects(**_get_owner(request)), own_entry_id
    ):
        raise Http404
    try:
        (proven,) = tile_store.prove_entries([own_entry_id])
    except tile_store.EntryNotSequenced:
        return render(request, "settings/uses_not_yet.html", status=409)
    response = HttpResponse(proven.proof, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="entry-{own_entry_id}.tlog-proof"'
    return response


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
        return render(request, "settings/feature.html", {"one": status})
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
        messages.info(request, "What it does has changed. Please read it as it is now.")
        return redirect("settings-feature", declared.key)
    except delegations.DelegationExists:
        messages.info(request, "It was on already.")
    except connections.NoEarlierConsent:
        raise Http404 from None
    else:
        messages.success(request, f"{declared.title} is on.")
    return redirect(ACTIVITY_ROUTE)


def _switch_off(request: HttpRequest, declared: Feature, owner: dict[str, UUID]) -> HttpResponse:
    if not declared.platform_client:
        # Withdrawing this agreement removes data: a page lists it first.
        return redirect("settings-feature-withdraw", declared.key)
    try:
        connections.switch_off_feature(
            delegation_id=ownership.parse_uuid(request.POST.get("delegation")),
            user_id=owner["user_id"],
            at=timezone.now(),
        )
    except delegations.DelegationNotLive:
        messages.info(request, "It was off already.")
    else:
        messages.success(request, f"{declared.title} is off, from this moment on.")
    return redirect(ACTIVITY_ROUTE)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(_("Withdraw your agreement, and remove the data kept for it"))
def withdraw_agreement(request: HttpRequest, key: str) -> HttpResponse:
    declared, owner = _get_feature(key), _get_owner(request)
    status = feature_status.get_feature_status(declared, **owner, at=timezone.now())
    is_agreed = status.state in {feature_status.FeatureState.ON, feature_status.FeatureState.AGAIN}
    if declared.platform_client or declared.kept_until_removed or not is_agreed:
        raise Http404
    if request.method == "POST":
        jobs = connections.withdraw_consent(feature=key, at=timezone.now(), **owner)
        messages.success(request, f"Your agreement to {declared.title} is withdrawn.")
        return (
            redirect("settings-purge", jobs[0].id) if len(jobs) == 1 else redirect(ACTIVITY_ROUTE)
        )
    return HttpResponse(withdrawal.render_withdrawal(request, get_request_context(request), status))


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def withdraw_item(request: HttpRequest, consent_id: UUID) -> HttpResponse:
    owner = _get_owner(request)
    if not connections.withdraw_item_consent(consent_id=consent_id, at=timezone.now(), **owner):
        raise Http404
    messages.success(
        request, claim("support.withdrawn", "Withdrawn. Support cannot read it any more.")
    )
    return redirect(ACTIVITY_ROUTE)


def _get_owner(request: HttpRequest) -> dict[str, UUID]:
    user_id, organisation_id = ownership.get_owner_ids(get_actor(request))
    return {"user_id": user_id, "organisation_id": organisation_id}


def _get_feature(key: str) -> Feature:
    declared = FEATURES.get(key)
    if declared is None or not declared.purposes:
        raise Http404
    return declared


def _parse_uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None
