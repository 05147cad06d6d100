"""Operators propose and approve changes of the service clients of platform features."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages as flash_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import clients
from accounts.actors import get_actor
from accounts.models import ClientChangeKind, ServiceClient, ServiceClientChange
from accounts.reauthentication import require_recent_confirmation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.operations import client_changes, feature_clients
from limited_use.policy.feature_registry import FEATURES, Feature

from . import client_messages, client_pages
from .client_forms import KeysForm, RedirectsForm, RegisterForm, join_redirect_uris

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_PageView = Callable[..., HttpResponseBase]


def _show_errors_first(
    show: Callable[..., HttpResponse | None],
) -> Callable[[_PageView], _PageView]:
    """
    Answer a form with errors before it waits for a confirmation, which stores it.

    So a private key that was pasted by mistake reaches no table. Place it between the decorator
    that checks the role and the one that asks for a confirmation.

    :param show: returns the page with errors; None: there are none
    """

    def decorate(view: _PageView) -> _PageView:
        @wraps(view)
        def check_then_run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            page = show(request, *args, **kwargs) if request.method == "POST" else None
            return view(request, *args, **kwargs) if page is None else page

        return check_then_run

    return decorate


@never_cache
@require_safe
@require_permission(RolePermission.MANAGE_CLIENTS)
def list_clients(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    overviews = feature_clients.list_client_overviews(at=at)
    context = client_pages.build_list_context(overviews, reader_id=get_actor(request).id, at=at)
    return render(request, "operations/clients.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.MANAGE_CLIENTS)
def show_client(request: HttpRequest, service_client_id: UUID) -> HttpResponse:
    client = _get_client(service_client_id)
    context = client_pages.build_client_context(
        client, reader_id=get_actor(request).id, at=timezone.now()
    )
    return render(request, "operations/client.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.MANAGE_CLIENTS)
def choose_feature(request: HttpRequest) -> HttpResponse:
    context = {"features": feature_clients.list_free_features()}
    return render(request, "operations/client_choose.html", context)


def _show_register_errors(request: HttpRequest, key: str) -> HttpResponse | None:
    form = RegisterForm(request.POST, feature=_get_feature(key))
    return None if form.is_valid() else _render_register(request, form, key)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.MANAGE_CLIENTS)
@_show_errors_first(_show_register_errors)
@require_recent_confirmation(client_messages.REGISTER_ACTION)
def register_client(request: HttpRequest, key: str) -> HttpResponse:
    feature = _get_feature(key)
    if ServiceClient.objects.live().filter(feature=key).exists():
        return _report_unchanged(request, client_messages.EXISTS)
    form = RegisterForm(request.POST if request.method == "POST" else None, feature=feature)
    if not form.is_valid():
        return _render_register(request, form, key)
    values = {
        "purposes": form.cleaned_data["purposes"],
        "jwks": form.cleaned_data["keys"],
        "redirect_uris": form.cleaned_data["redirect_uris"],
    }
    return _propose(request, ClientChangeKind.REGISTER, feature=key, values=values)


def _show_keys_errors(request: HttpRequest, service_client_id: UUID) -> HttpResponse | None:
    client, form = _get_client(service_client_id), KeysForm(request.POST)
    return None if form.is_valid() else _render_change(request, client, form, "keys")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.MANAGE_CLIENTS)
@_show_errors_first(_show_keys_errors)
@require_recent_confirmation(client_messages.KEYS_ACTION)
def replace_keys(request: HttpRequest, service_client_id: UUID) -> HttpResponse:
    client = _get_client(service_client_id)
    if request.method != "POST":
        initial = {"seen": clients.compute_client_digest(client)}
        return _render_change(request, client, KeysForm(initial=initial), "keys")

    form = KeysForm(request.POST)
    if not form.is_valid():
        return _render_change(request, client, form, "keys")
    values = {"jwks": form.cleaned_data["keys"], "seen_digest": form.cleaned_data["seen"]}
    return _propose_change(request, client, ClientChangeKind.KEYS, values)


def _show_redirects_errors(request: HttpRequest, service_client_id: UUID) -> HttpResponse | None:
    client, form = _get_client(service_client_id), RedirectsForm(request.POST)
    return None if form.is_valid() else _render_change(request, client, form, "redirects")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.MANAGE_CLIENTS)
@_show_errors_first(_show_redirects_errors)
@require_recent_confirmation(client_messages.REDIRECTS_ACTION)
def replace_redirects(request: HttpRequest, service_client_id: UUID) -> HttpResponse:
    client = _get_client(service_client_id)
    if request.method != "POST":
        seen = clients.compute_client_digest(client)
        initial = {"seen": seen, "redirect_uris": join_redirect_uris(client)}
        return _render_change(request, client, RedirectsForm(initial=initial), "redirects")

    form = RedirectsForm(request.POST)
    if not form.is_valid():
        return _render_change(request, client, form, "redirects")
    values = {
        "redirect_uris": form.cleaned_data["redirect_uris"],
        "seen_digest": form.cleaned_data["seen"],
    }
    return _propose_change(request, client, ClientChangeKind.REDIRECTS, values)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.MANAGE_CLIENTS)
@require_recent_confirmation(client_messages.RETIRE_ACTION)
def retire_client(request: HttpRequest, service_client_id: UUID) -> HttpResponse:
    client = _get_client(service_client_id)
    if client.retired_at is not None:
        return _report_unchanged(request, client_messages.RETIRED_BEFORE, client)
    if request.method != "POST":
        context = client_pages.build_client_context(
            client, reader_id=get_actor(request).id, at=timezone.now()
        )
        return render(request, "operations/client_retire.html", context)
    return _propose(
        request, ClientChangeKind.RETIRE, feature=client.feature, client=client, values={}
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.MANAGE_CLIENTS)
@require_recent_confirmation(client_messages.APPROVE_ACTION)
def show_or_approve_change(request: HttpRequest, change_id: UUID) -> HttpResponse:
    change, reader_id, at = _get_change(change_id), get_actor(request).id, timezone.now()
    if request.method != "POST":
        row = client_pages.describe_change(change, reader_id=reader_id, at=at)
        return render(request, "operations/client_change.html", {"row": row, "change": change})
    try:
        client_changes.approve_change(change, by=reader_id, at=at)
    except client_changes.NotApprovable:
        flash_messages.warning(request, client_messages.NOT_APPROVABLE)
    else:
        flash_messages.success(request, client_messages.APPROVED)
    return redirect("operations-client-change", change.id)


def _propose_change(
    request: HttpRequest, client: ServiceClient, kind: ClientChangeKind, values: dict[str, Any]
) -> HttpResponse:
    if client.retired_at is not None:
        return _report_unchanged(request, client_messages.RETIRED_BEFORE, client)
    if values["seen_digest"] != clients.compute_client_digest(client):
        flash_messages.error(request, client_messages.CHANGED)
        return redirect(f"operations-client-{kind}", client.id)
    return _propose(request, kind, feature=client.feature, client=client, values=values)


def _propose(
    request: HttpRequest,
    kind: ClientChangeKind,
    *,
    feature: str,
    client: ServiceClient | None = None,
    values: dict[str, Any],
) -> HttpResponse:
    change = client_changes.propose_change(
        kind,
        feature=feature,
        client=client,
        values=values,
        by=get_actor(request).id,
        at=timezone.now(),
    )
    needs_another = kind is not ClientChangeKind.RETIRE
    text = client_messages.PROPOSED if needs_another else client_messages.RETIRING
    flash_messages.success(request, text)
    return redirect("operations-client-change", change.id)


def _render_register(request: HttpRequest, form: RegisterForm, key: str) -> HttpResponse:
    context = {"form": form, "feature": FEATURES[key]}
    return render(request, "operations/client_new.html", context, status=_get_status(form))


def _render_change(
    request: HttpRequest, client: ServiceClient, form: forms.Form, page: str
) -> HttpResponse:
    if client.retired_at is not None:
        return _report_unchanged(request, client_messages.RETIRED_BEFORE, client)
    context = client_pages.build_change_context(client, at=timezone.now()) | {"form": form}
    return render(request, f"operations/client_{page}.html", context, status=_get_status(form))


def _get_status(form: forms.Form) -> HTTPStatus:
    return HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK


def _report_unchanged(
    request: HttpRequest, text: StrOrPromise, client: ServiceClient | None = None
) -> HttpResponse:
    flash_messages.warning(request, text)
    if client is None:
        return redirect("operations-clients")
    return redirect("operations-client", client.id)


def _get_client(service_client_id: UUID) -> ServiceClient:
    """:raises Http404:"""
    client = ServiceClient.objects.filter(id=service_client_id).first()
    if client is None:
        raise Http404
    return client


def _get_change(change_id: UUID) -> ServiceClientChange:
    """:raises Http404: also for a row that the staff site did not write"""
    change = ServiceClientChange.objects.select_related("client").filter(id=change_id).first()
    if change is None or not client_changes.is_authentic(change):
        raise Http404
    return change


def _get_feature(key: str) -> Feature:
    """:raises Http404: also for a feature that can have no client"""
    feature = FEATURES.get(key)
    if feature is None or not feature_clients.can_have_client(feature):
        raise Http404
    return feature
