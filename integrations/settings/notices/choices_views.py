from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib import messages as flash_messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.facts import MAILBOX_FEATURE
from integrations.notifications import notice_kinds, notice_preferences
from integrations.outbox import notice_mail
from integrations.settings.data_use import feature_status
from integrations.settings.data_use.feature_status import FeatureState
from integrations.web import ownership
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES

from . import messages
from .choices_form import NoticeChoicesForm
from .mailboxes import list_mailboxes

_FEATURE: Final = FEATURES[MAILBOX_FEATURE]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def show_choices(request: HttpRequest) -> HttpResponse:
    """On POST, save the channel of each kind."""
    user_id, organisation_id = ownership.get_owner_ids(get_actor(request))
    at = timezone.now()
    kinds = notice_kinds.list_notice_kinds()
    mailboxes = list_mailboxes(user_id=user_id, organisation_id=organisation_id)
    form = NoticeChoicesForm(
        request.POST or None,
        kinds=kinds,
        chosen=notice_preferences.list_channels(
            kinds, user_id=user_id, organisation_id=organisation_id
        ),
        mailboxes=mailboxes,
        version=_FEATURE.version,
        needs_agreement=_needs_agreement(user_id, organisation_id, at),
    )
    if request.method == "POST" and form.is_valid():
        _save_choices(form, user_id, organisation_id, at)
        flash_messages.success(request, messages.SAVED)
        return redirect("settings-notice-choices")
    context = {
        "form": form,
        "feature": _FEATURE,
        "has_mailboxes": bool(mailboxes),
        "always": messages.ALWAYS,
    }
    return render(request, "settings/notices/choices.html", context)


def _needs_agreement(user_id: UUID, organisation_id: UUID, at: datetime) -> bool:
    status = feature_status.get_feature_status(
        _FEATURE, user_id=user_id, organisation_id=organisation_id, at=at
    )
    return status.state is not FeatureState.ON


def _save_choices(
    form: NoticeChoicesForm, user_id: UUID, organisation_id: UUID, at: datetime
) -> None:
    with transaction.atomic(durable=True):
        if form.has_mailbox:
            consents.give(
                person_id=user_id,
                organisation_id=organisation_id,
                feature=_FEATURE.key,
                version=_FEATURE.version,
                at=at,
            )
        for choice in form.choices:
            has_changed = notice_preferences.choose_channel(
                choice.kind,
                choice.channel,
                user_id=user_id,
                organisation_id=organisation_id,
                integration_id=choice.integration_id,
                at=at,
            )
            if has_changed:
                notice_mail.stop_queued_notices(
                    user_id=user_id,
                    organisation_id=organisation_id,
                    kind=choice.kind.key,
                    at=at,
                )
