"""
Choose a folder on the provider's own page.

The page is an authorization request that grants the chosen folder to Antares and returns its id.
Its code is not used: the connection's own grant then covers the folder, if it is of the same
account.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from django.db import transaction

from accounts.ids import uuid7
from integrations.access import drive_permits, endpoints
from integrations.access.request_context import ObjectNotFound, RequestContext, get_owner_ids
from integrations.models import LIVE, FolderRequest, Integration
from integrations.providers import PROVIDERS, errors
from integrations.providers.files import FolderChoice

from . import folders

LIFETIME: Final = timedelta(minutes=10)
_STATE_BYTES: Final = 32


class UnknownRequest(Exception):
    """The request is unknown, used, expired, or of another person or browser. Start again."""


class NoFolderChosen(Exception):
    """The person left the provider's page without choosing a folder."""


class FolderUnusable(Exception):
    """The chosen item is no folder, or belongs to another account than the connected one."""


def begin_choice(context: RequestContext, drive: Integration, *, session_key: str) -> str:
    """
    Return the address of the provider's page.

    :param session_key: of the browser that must come back
    :raises ObjectNotFound: if the provider has no such page
    :raises limited_use.guard.guard.AccessRefused:
    """
    connection = drive.connection
    choice = PROVIDERS[connection.provider].folder_choice
    if choice is None:
        raise ObjectNotFound
    drive_permits.to_store_entry(actor=context.actor, integration_id=drive.id, at=context.at)
    state = urlsafe_b64encode(secrets.token_bytes(_STATE_BYTES)).rstrip(b"=").decode()
    FolderRequest.objects.create(
        id=uuid7(),
        integration=drive,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        state_hash=_hash_text(state),
        session_hash=_hash_text(session_key),
        expires_at=context.at + LIFETIME,
    )
    return _build_url(connection.provider, choice, state)


def _build_url(provider: str, choice: FolderChoice, state: str) -> str:
    registered = endpoints.get_provider_endpoints(provider)
    parameters = {
        "response_type": "code",
        "client_id": registered.client_id,
        "redirect_uri": endpoints.folder_redirect_uri(provider),
        "scope": choice.scope,
        "state": state,
        **choice.authorize_params,
    }
    return f"{registered.authorize_url}?{urlencode(parameters)}"


def complete_choice(
    context: RequestContext, *, state: str, folder_id: str, session_key: str
) -> Integration:
    """
    Store the chosen folder for later uploads.

    :param folder_id: the provider's; empty if the person chose none
    :raises UnknownRequest, NoFolderChosen, FolderUnusable:
    :raises errors.ProviderError, fences.DisconnectedError:
    """
    drive = _use_request(context, state, session_key)
    if not folder_id:
        raise NoFolderChosen
    permit = drive_permits.to_upload_own_file(
        actor=context.actor, integration_id=drive.id, at=context.at
    )
    with folders.open_drive(drive, permit) as open_drive:
        try:
            remote = open_drive.call(lambda adapter: adapter.find_file(folder_id))
        except errors.Gone:
            raise FolderUnusable from None
        if not remote.is_folder or remote.is_trashed:
            raise FolderUnusable
        folders.choose_folder(open_drive, remote)
    return drive


def _use_request(context: RequestContext, state: str, session_key: str) -> Integration:
    user_id, organisation_id = get_owner_ids(context.actor)
    requests = FolderRequest.objects.filter(
        state_hash=_hash_text(state),
        session_hash=_hash_text(session_key),
        user_id=user_id,
        organisation_id=organisation_id,
        expires_at__gt=context.at,
        integration__status__in=LIVE,
    )
    with transaction.atomic(durable=True):
        request = requests.select_related("integration__connection").first()
        # The deleted count decides between two uses at the same time.
        if request is None or not FolderRequest.objects.filter(id=request.id).delete()[0]:
            raise UnknownRequest
    return request.integration


def use_own_folder(context: RequestContext, drive: Integration) -> None:
    """
    Forget the chosen folder: later uploads go to the folder that Antares creates.

    :raises errors.ProviderError, fences.DisconnectedError:
    :raises limited_use.guard.guard.AccessRefused:
    """
    # To open the stored ids: the chosen folder and Antares's own are in one sealed value.
    permit = drive_permits.to_upload_own_file(
        actor=context.actor, integration_id=drive.id, at=context.at
    )
    with folders.open_drive(drive, permit) as open_drive:
        folders.restore_own_folder(open_drive)


def delete_expired_requests(*, at: datetime) -> int:
    deleted_count, _ = FolderRequest.objects.filter(expires_at__lte=at).delete()
    return deleted_count


def _hash_text(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()
