"""
Uploads by tus 1.0 (`tus_headers`), for the signed-in person: a platform feature uploads nothing.

The body of PATCH is read while it arrives (`config.route_limits`), and never parsed.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from accounts.actors import get_actor
from accounts.role_permissions import build_permission_class
from accounts.roles import RolePermission
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.coordination import person_slots
from integrations.models import Upload
from integrations.web import ownership
from integrations.web.api.api_rate_limits import RateLimitedView
from integrations.web.api.negotiation import FixedContentNegotiation

from . import checked_body, tus_headers, upload_body, uploads
from .tus_views import TusView, get_body_length
from .upload_errors import UploadInterrupted


class _UploadView(TusView, RateLimitedView):
    permission_classes = [build_permission_class(RolePermission.USE_OWN)]
    content_negotiation_class = FixedContentNegotiation
    schema = None
    max_bytes = max(limits.max_bytes for limits in uploads.LIMITS.values())

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        actor = get_actor(request)
        if actor.user_id is None or actor.organisation_id is None:
            raise ObjectNotFound
        self.context = RequestContext(actor, actor.user_id, timezone.now())


class UploadListView(_UploadView):
    def post(self, request: Request) -> HttpResponse:
        """Create an upload for the integration `mailbox`, without bytes."""
        size = tus_headers.read_number(request.headers, "Upload-Length")
        description = tus_headers.read_file_description(request.headers)
        integration = ownership.get_integration(
            self.context.actor, ownership.parse_uuid(request.query_params.get("mailbox"))
        )
        upload = uploads.create_upload(
            uploads.authorize_upload(self.context, integration),
            size=size,
            filename=description.filename,
            content_type=description.content_type,
            at=self.context.at,
        )
        headers = {"Location": reverse("upload", args=[upload.id]), **_describe_end(upload)}
        return HttpResponse(status=201, headers=headers)


class UploadItemView(_UploadView):
    def get(self, _: Request, upload_id: UUID) -> HttpResponse:
        """Return how many bytes are stored; tus asks by HEAD."""
        upload = self._find_upload(upload_id)
        headers = {
            "Upload-Offset": str(upload.received),
            "Upload-Length": str(upload.size),
            **_describe_end(upload),
        }
        return HttpResponse(headers=headers)

    def patch(self, request: Request, upload_id: UUID) -> HttpResponse:
        """Store the bytes that follow the stored ones."""
        if request.META.get("CONTENT_TYPE") != tus_headers.BODY_TYPE:
            raise UnsupportedMediaType(tus_headers.BODY_TYPE)
        offset = tus_headers.read_number(request.headers, "Upload-Offset")
        upload = self._find_upload(upload_id)
        access = uploads.authorize_upload(self.context, upload.integration)
        checksum = tus_headers.read_checksum(request.headers)
        read_body = request._request.read  # noqa: SLF001 - DRF would buffer and parse the body
        try:
            with person_slots.hold_upload_slot(self.context.user_id):
                received = upload_body.append_body(
                    access,
                    upload.id,
                    checked_body.check_body(read_body, checksum, received=upload.received),
                    offset=offset,
                    length=get_body_length(request),
                )
        except UploadInterrupted as interruption:
            # Nobody reads this answer: the web server replaces it by 408 or 413, or its client
            # has left.
            received = interruption.received
        headers = {"Upload-Offset": str(received), **_describe_end(upload)}
        return HttpResponse(status=204, headers=headers)

    def delete(self, _: Request, upload_id: UUID) -> HttpResponse:
        if not uploads.delete_upload(self._find_upload(upload_id).id):
            raise ObjectNotFound
        return HttpResponse(status=204)

    def _find_upload(self, upload_id: UUID) -> Upload:
        return uploads.find_upload(self.context, upload_id, at=self.context.at)


def _describe_end(upload: Upload) -> dict[str, str]:
    return {"Upload-Expires": http_date(upload.expires_at.timestamp())}
