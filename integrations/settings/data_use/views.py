"""Show who may and who did; hand the record out; switch, agree again, withdraw."""

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
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import delegations
from accounts.actors import get_actor
from accounts.permissions import page
from accounts.reauthentication import require_recent
from accounts.roles import Permission
from integrations import connections
from integrations.access.request_context import asked_by
from integrations.calendar import sharing
from integrations.coordination import concurrency
from integrations.settings import overview
from integrations.web import ownership
from integrations.web.form_numbers import read_number
from limited_use.agreements import consents
from limited_use.ledger import tile_store
from limited_use.policy.claims import claim
from limited_use.policy.features import FEATURES, Feature

from . import activity, downloads, feature_status, filters, withdrawal

USES = "settings-uses"


@never_cache
@require_safe
@page(Permission.USE_OWN)
def uses(request: HttpRequest) -> HttpResponse:
    """Return the page: every feature as it stands, and a page of the person's record."""
    whose = _whose(request)
    own_things = activity.of_person(**whose)
    form = filters.Filters(request.GET, connections=own_things.connections)
    asked = filters.question(form)
    after = _uuid(request.GET.get("after"))
    lines, more = activity.page(own_things, asked, after=after)
    # Of what was asked, that which made sense.
    query = {name: request.GET[name] for name, value in form.cleaned_data.items() if value}
    context = {
        "features": feature_status.features(**whose, at=timezone.now()),
        "given": sharing.given(actor=get_actor(request), at=timezone.now()),
        "received": sharing.received(actor=get_actor(request), at=timezone.now()),
        "service_rules": feature_status.of_the_service(),
        "never": feature_status.of_nobody(),
        "form": form,
        "lines": lines,
        "has_many": len(own_things.connections) > 1,
        "is_filtered": bool(query or form.errors),
        "is_later_page": after is not None,
        "query": urlencode(query),
        "next_query": urlencode({**query, "after": str(more)}) if more else "",
        "removals": overview.purges(actor=get_actor(request)),
    }
    return render(request, "settings/uses.html", context)


@never_cache
@require_safe
@page(Permission.USE_OWN)
def download(request: HttpRequest, form: str) -> HttpResponseBase:
    """Return the record, filtered as the page is, as a file that is written while it is read."""
    whose = _whose(request)
    own_things = activity.of_person(**whose)
    asked = filters.question(filters.Filters(request.GET, connections=own_things.connections))
    write, content_type = {
        "csv": (downloads.as_csv, "text/csv; charset=utf-8"),
        "json": (downloads.as_json, "application/json"),
    }[form]
    with concurrency.STREAMS.lend(whose["user_id"]) as slot:
        parts = write(activity.lines(own_things, asked))
        response = StreamingHttpResponse(
            concurrency.hold_slot(slot, parts), content_type=content_type
        )
    response["Content-Disposition"] = f'attachment; filename="who-used-my-data.{form}"'
    return response


@never_cache
@require_safe
@page(Permission.USE_OWN)
def proof(request: HttpRequest, own_entry_id: UUID) -> HttpResponse:
    """Return the proof that an entry of the person's own is in the ledger, as C2SP tlog-proof."""
    if not activity.is_own(activity.of_person(**_whose(request)), own_entry_id):
        raise Http404
    try:
        (proven,) = tile_store.prove([own_entry_id])
    except tile_store.NotSequenced:
        return render(request, "settings/uses_not_yet.html", status=409)
    response = HttpResponse(proven.proof, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="entry-{own_entry_id}.tlog-proof"'
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def feature(request: HttpRequest, key: str) -> HttpResponse:
    """Show what a feature does, and switch it on or agree to it again; or switch it off."""
    declared, whose = _declared(key), _whose(request)
    stands = feature_status.of(declared, **whose, at=timezone.now())
    if request.method != "POST":
        if stands.state in {feature_status.State.USES_NOTHING, feature_status.State.EACH_TIME}:
            raise Http404
        return render(request, "settings/feature.html", {"one": stands})
    if request.POST.get("switch") == "off":
        return _switch_off(request, declared, whose)
    if request.POST.get("agree") != "yes":
        return redirect("settings-feature", key)
    return _agree(request, declared, whose)


def _agree(request: HttpRequest, declared: Feature, whose: dict[str, UUID]) -> HttpResponse:
    agree = connections.switch_on if declared.platform_client else connections.agree_again
    try:
        agree(
            feature=declared.key,
            version=read_number(request.POST.get("version", "")) or 0,
            at=timezone.now(),
            **whose,
        )
    except consents.Outdated:
        messages.info(request, "What it does has changed. Please read it as it is now.")
        return redirect("settings-feature", declared.key)
    except delegations.AlreadyOn:
        messages.info(request, "It was on already.")
    except connections.NothingToAgreeTo:
        raise Http404 from None
    else:
        messages.success(request, f"{declared.title} is on.")
    return redirect(USES)


def _switch_off(request: HttpRequest, declared: Feature, whose: dict[str, UUID]) -> HttpResponse:
    if not declared.platform_client:
        # What a copy is kept by is withdrawn on a page that says what goes with it.
        return redirect("settings-feature-withdraw", declared.key)
    try:
        connections.switch_off(
            delegation_id=ownership.uuid(request.POST.get("delegation")),
            user_id=whose["user_id"],
            at=timezone.now(),
        )
    except delegations.NotOn:
        messages.info(request, "It was off already.")
    else:
        messages.success(request, f"{declared.title} is off, from this moment on.")
    return redirect(USES)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
@require_recent
def withdraw(request: HttpRequest, key: str) -> HttpResponse:
    """Ask once, saying exactly what ends and goes; then withdraw the agreement."""
    declared, whose = _declared(key), _whose(request)
    stands = feature_status.of(declared, **whose, at=timezone.now())
    is_agreed = stands.state in {feature_status.State.ON, feature_status.State.AGAIN}
    if declared.platform_client or declared.kept_until_removed or not is_agreed:
        raise Http404
    if request.method == "POST":
        jobs = connections.withdraw(feature=key, at=timezone.now(), **whose)
        messages.success(request, f"Your agreement to {declared.title} is withdrawn.")
        return redirect("settings-purge", jobs[0].id) if len(jobs) == 1 else redirect(USES)
    return HttpResponse(withdrawal.render(request, asked_by(request), stands))


@never_cache
@require_POST
@page(Permission.USE_OWN)
def withdraw_item(request: HttpRequest, consent_id: UUID) -> HttpResponse:
    """Withdraw an agreement about one item."""
    whose = _whose(request)
    if not connections.withdraw_item(consent_id=consent_id, at=timezone.now(), **whose):
        raise Http404
    messages.success(
        request, claim("support.withdrawn", "Withdrawn. Support cannot read it any more.")
    )
    return redirect(USES)


def _whose(request: HttpRequest) -> dict[str, UUID]:
    user_id, organisation_id = ownership.ids(get_actor(request))
    return {"user_id": user_id, "organisation_id": organisation_id}


def _declared(key: str) -> Feature:
    declared = FEATURES.get(key)
    if declared is None or not declared.purposes:
        raise Http404
    return declared


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None
