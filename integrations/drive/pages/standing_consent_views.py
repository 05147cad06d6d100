"""Standing consents of the owner: give one, list them, withdraw one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
from django.contrib import messages as page_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import display_times
from accounts.models import Delegation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access import drive_permits
from integrations.access.fences import DisconnectedError
from integrations.access.request_context import (
    InvalidChoice,
    ObjectNotFound,
    RequestContext,
    get_owner_ids,
    get_request_context,
)
from integrations.drive import (
    folders,
    standing_consent_creation,
    standing_consent_ends,
    standing_consents,
    uploads,
)
from integrations.drive.standing_consent_creation import (
    FeatureOff,
    FolderChanged,
    StandingConsentExists,
)
from integrations.drive.upload_errors import UploadFailed
from integrations.models import FETCHABLE, DriveFolder, Integration, StandingConsent
from integrations.providers import PROVIDERS, errors
from limited_use.agreements.consents import DeclarationOutdated
from limited_use.policy.feature_registry import FEATURES, Feature
from limited_use.sinks import page_sink
from limited_use.sinks.page_sink import SealedRow, TemplateItem
from limited_use.sinks.sealed_rows import Permits

from . import standing_consent_messages as messages
from .standing_consent_form import StandingConsentForm

LIST_ROUTE: Final = "drive-standing-consents"
_MOST_LISTED: Final = 50


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_consents(request: HttpRequest) -> HttpResponse:
    context = get_request_context(request)
    # Live ones first.
    consents = standing_consents.filter_own_consents(context).order_by("-ended_at", "-id")
    rows = [SealedRow(consent, {"place": consent.place}) for consent in consents[:_MOST_LISTED]]
    body = page_sink.render_page(
        "drive/standing_consents.html",
        rows,
        permits=_permit_rows(context, rows),
        actor=context.actor,
        shape=lambda consent, opened: _present_consent(context, consent, opened),
        at=context.at,
        context={"consent_count": len(rows), "features": _list_open_features(context)},
        request=request,
    )
    return HttpResponse(body)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def give_consent(request: HttpRequest, key: str) -> HttpResponse:
    context, feature = get_request_context(request), _get_feature(key)
    drives = list(uploads.list_own_drives(context).filter(status__in=FETCHABLE))
    if not _is_on(context, feature):
        page_messages.info(request, messages.FEATURE_OFF)
        return redirect("settings-feature", feature.key)
    if not drives:
        page_messages.info(request, messages.NO_DRIVE)
        return redirect(LIST_ROUTE)
    form = StandingConsentForm(
        request.POST if request.method == "POST" else None,
        drives=drives,
        labels={drive.id: _describe_drive(drive) for drive in drives},
        version=feature.version,
        at=context.at,
    )
    if form.is_valid() and _give_from_form(context, form, feature):
        text = messages.GIVEN % {"feature": gettext(feature.title)}
        page_messages.success(request, text)
        return redirect(LIST_ROUTE)
    return _render_form(request, context, form, feature)


def _give_from_form(context: RequestContext, form: StandingConsentForm, feature: Feature) -> bool:
    """Add an error to the form if the consent cannot be given."""
    try:
        standing_consent_creation.give_consent(
            context,
            form.chosen_drive,
            form.bounds,
            feature=feature.key,
            version=form.cleaned_data["version"],
            folder_key=form.folder_key,
        )
    except DeclarationOutdated:
        form.ask_again(messages.OUTDATED, version=str(feature.version))
    except FolderChanged:
        form.forget_folders()
    except StandingConsentExists:
        form.add_error(None, messages.EXISTS)
    except InvalidChoice:
        form.add_error("last_day", messages.END_TOO_FAR)
    except FeatureOff:
        form.add_error(None, messages.FEATURE_OFF)
    except UploadFailed:
        form.add_error(None, messages.FOLDER_GONE)
    except errors.ProviderError:
        form.add_error(None, messages.DRIVE_UNAVAILABLE)
    except (ObjectNotFound, DisconnectedError):
        form.add_error(None, messages.NO_DRIVE)
    else:
        return True
    return False


def _render_form(
    request: HttpRequest, context: RequestContext, form: StandingConsentForm, feature: Feature
) -> HttpResponse:
    shown_folders = list(
        DriveFolder.objects.filter(integration__in=form.drives.values()).order_by("id")
    )
    by_drive = {folder.integration_id: folder for folder in shown_folders}
    form.show_folders(
        {
            drive.id: folders.make_folder_key(by_drive.get(drive.id))
            for drive in form.drives.values()
        }
    )
    rows = [SealedRow(folder, {"place": folder.place}) for folder in shown_folders]
    labels = {drive.id: _describe_drive(drive) for drive in form.drives.values()}

    def present_folder(folder: DriveFolder, opened: Mapping[str, bytes]) -> TemplateItem:
        return TemplateItem({"drive": labels[folder.integration_id]}, {"name": _read_name(opened)})

    body = page_sink.render_page(
        "drive/standing_consent_new.html",
        rows,
        permits=_permit_rows(context, rows),
        actor=context.actor,
        shape=present_folder,
        at=context.at,
        context={
            "form": form,
            "feature": feature,
            "new_folder": messages.NEW_FOLDER if len(rows) < len(labels) else "",
        },
        request=request,
    )
    return HttpResponse(body, status=400 if form.errors else 200)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def withdraw_consent(request: HttpRequest, standing_consent_id: UUID) -> HttpResponse:
    try:
        standing_consent_ends.withdraw_consent(get_request_context(request), standing_consent_id)
    except ObjectNotFound:
        raise Http404 from None
    page_messages.success(request, messages.WITHDRAWN)
    return redirect(LIST_ROUTE)


def _get_feature(key: str) -> Feature:
    feature = FEATURES.get(key)
    if feature is None or feature not in standing_consents.list_saving_features():
        raise Http404
    return feature


def _is_on(context: RequestContext, feature: Feature) -> bool:
    live = Delegation.objects.live().of(*get_owner_ids(context.actor))
    return live.filter(feature=feature.key, feature_version=feature.version).exists()


def _list_open_features(context: RequestContext) -> list[Feature]:
    """Return features that are on, so that they can get a standing consent."""
    return [
        feature for feature in standing_consents.list_saving_features() if _is_on(context, feature)
    ]


def _permit_rows(context: RequestContext, rows: Sequence[SealedRow]) -> Permits:
    integration_ids = dict.fromkeys(row.row.integration_id for row in rows)
    if not integration_ids:
        return {}
    return drive_permits.to_list_files(
        actor=context.actor, integration_ids=list(integration_ids), at=context.at
    )


def _present_consent(
    context: RequestContext, consent: StandingConsent, opened: Mapping[str, bytes]
) -> TemplateItem:
    declared = FEATURES.get(consent.feature)
    is_live = consent.ended_at is None and consent.expires_at > context.at
    clear: dict[str, Any] = {
        "id": consent.id,
        "feature": consent.feature if declared is None else gettext(declared.title),
        "kinds": [messages.KINDS[kind] for kind in consent.kinds],
        "max_bytes": consent.max_bytes,
        "max_count": consent.max_count,
        "saved_count": consent.saved_count,
        "created_at": consent.created_at,
        "expires_at": consent.expires_at,
        "ended_at": None if is_live else consent.ended_at or consent.expires_at,
    }
    return TemplateItem(clear, {"folder": _read_name(opened)})


def _read_name(opened: Mapping[str, bytes]) -> str:
    """Return the folder's name; "" if the stored name is damaged."""
    return str(orjson.loads(opened["place"])["name"]) if "place" in opened else ""


def _describe_drive(drive: Integration) -> str:
    # Without the address: opening it would be a use of data.
    return str(messages.DRIVE_LABEL) % {
        "provider": PROVIDERS[drive.connection.provider].label,
        "day": display_times.format_day(drive.connection.connected_at),
    }
