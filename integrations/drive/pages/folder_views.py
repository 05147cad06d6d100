"""
Choose the folder of later files on the provider's own page, and return.

The returning URL contains a code and the id of the folder, so the response redirects to a URL
without parameters, loads nothing, is not cached and sends no referrer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib import messages as page_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.actors import NoActor, get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.fences import DisconnectedError
from integrations.access.request_context import (
    ObjectNotFound,
    RequestContext,
    get_request_context,
)
from integrations.coordination import person_slots
from integrations.drive import folder_choice, uploads
from integrations.drive.folder_choice import FolderUnusable, NoFolderChosen, UnknownRequest
from integrations.models import Integration
from integrations.providers import PROVIDERS, errors
from integrations.providers.files import FolderChoice
from integrations.web import ownership, retry_pages
from limited_use.guard.guard import AccessRefused

from . import messages
from .responses import SeeOther

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Why no folder was stored.
_PROBLEMS: Final[tuple[tuple[type[Exception], StrOrPromise], ...]] = (
    (NoFolderChosen, messages.NO_FOLDER_CHOSEN),
    (UnknownRequest, messages.FOLDER_REQUEST_UNKNOWN),
    (FolderUnusable, messages.FOLDER_UNUSABLE),
    (DisconnectedError, messages.DRIVE_AWAY),
    (errors.ProviderError, messages.FOLDER_NOT_CHECKED),
)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def change_folder(request: HttpRequest) -> HttpResponse:
    """Lead to the provider's page, or return to the folder that Antares creates."""
    context = get_request_context(request)
    drive_id = ownership.parse_uuid(request.POST.get("drive", ""))
    action = request.POST.get("action")
    try:
        drive = uploads.get_own_drive(context, drive_id)
        if action == "choose":
            url = folder_choice.begin_choice(context, drive, session_key=_get_session_key(request))
            return SeeOther(url)
        if action == "own":
            return _use_own_folder(request, context, drive)
    except ObjectNotFound:
        raise Http404 from None
    raise Http404


def _use_own_folder(
    request: HttpRequest, context: RequestContext, drive: Integration
) -> HttpResponse:
    try:
        # An expired token is renewed first.
        with person_slots.hold_wait_slot():
            folder_choice.use_own_folder(context, drive)
    except person_slots.TooManyWaits:
        return _ask_to_retry(request)
    except (DisconnectedError, errors.ProviderError) as error:
        page_messages.error(request, _explain(error))
    else:
        page_messages.success(request, messages.FOLDER_OWN)
    return SeeOther(reverse("drive-files"))


@never_cache
def handle_return(request: HttpRequest, provider: str) -> HttpResponse:
    """Redirect to the list of files, with a message."""
    choice = PROVIDERS[provider].folder_choice if provider in PROVIDERS else None
    if choice is None:
        raise Http404
    try:
        actor = get_actor(request)
    except NoActor:
        actor = None
    if request.method == "GET" and actor and actor.user_id and actor.organisation_id:
        try:
            # Refuse before the state is consumed.
            with person_slots.hold_wait_slot():
                _complete_choice(request, get_request_context(request), choice)
        except person_slots.TooManyWaits:
            return _ask_to_retry(request)
    return _redirect_to_files()


# Public: a request without a valid state changes nothing.
handle_return.permission = None  # type: ignore[attr-defined]  # read by the route tests


def _complete_choice(request: HttpRequest, context: RequestContext, choice: FolderChoice) -> None:
    parameters = {name: request.GET.getlist(name) for name in request.GET}
    if any(len(values) != 1 for values in parameters.values()):
        page_messages.error(request, messages.FOLDER_REQUEST_UNKNOWN)
        return
    folder_id = request.GET.get(choice.result_param, "")
    if "," in folder_id:
        page_messages.error(request, messages.SEVERAL_FOLDERS_CHOSEN)
        return
    try:
        folder_choice.complete_choice(
            context,
            state=request.GET.get("state", ""),
            folder_id=folder_id,
            session_key=_get_session_key(request),
        )
    except NoFolderChosen:
        page_messages.info(request, messages.NO_FOLDER_CHOSEN)
    except AccessRefused as refusal:
        page_messages.error(request, refusal.message)
    except tuple(error_class for error_class, _ in _PROBLEMS) as error:
        page_messages.error(request, _explain(error))
    else:
        page_messages.success(request, messages.FOLDER_CHOSEN)


def _explain(error: Exception) -> StrOrPromise:
    return next(text for error_class, text in _PROBLEMS if isinstance(error, error_class))


def _ask_to_retry(request: HttpRequest) -> HttpResponse:
    """The text loads nothing; the browser retries by itself."""
    text = f"{messages.OTHER_REQUESTS_WAIT}\n"
    response = HttpResponse(text, status=429, content_type="text/plain; charset=utf-8")
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return retry_pages.add_retry(request, response, None)


def _redirect_to_files() -> HttpResponse:
    response = SeeOther(reverse("drive-files"))
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    response["Content-Length"] = "0"
    return response


def _get_session_key(request: HttpRequest) -> str:
    return request.session.session_key or ""
