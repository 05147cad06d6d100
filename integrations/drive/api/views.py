"""
`/files`: uploads into the person's Drive by tus 1.0, and the list of them.

The body of PATCH is read while it arrives (`config.route_limits`), and never parsed.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor, ActorKind
from accounts.rate_limit_counters import Rate
from integrations.access import drive_permits
from integrations.coordination import person_slots
from integrations.drive import (
    feature_files,
    file_list,
    removal,
    upload_stream,
    uploads,
)
from integrations.drive.upload_errors import BodyInterrupted, UploadLengthMissing
from integrations.formats.mime.attachment_filenames import make_drive_filename
from integrations.models import DriveFile
from integrations.outbox import checked_body, tus_headers
from integrations.outbox.tus_views import TusView, get_body_length
from integrations.outbox.upload_errors import UploadInterrupted
from integrations.web.api.api_views import UserDataView, json_response
from limited_use import traceback_scrubber

from . import serializers

#: Files that all features propose or save for one person.
FEATURE_FILES: Final = Rate("feature-files", 1_000, 24 * 60 * 60)
_HEADER: Final = OpenApiParameter.HEADER
_TUS_VERSION: Final = OpenApiParameter(
    "Tus-Resumable", str, _HEADER, required=True, enum=[tus_headers.VERSION]
)


class DriveView(UserDataView):
    """A view for the person, and for features with tokens for files."""

    def handle_exception(self, error: Exception) -> Response:
        # Frames hold bytes and names of a file, and the address of its upload session.
        traceback_scrubber.clear_frames(error)
        return super().handle_exception(error)

    def check_client(self, actor: Actor) -> None:
        super().check_client(actor)
        drive_permits.refuse_other_purpose(actor=actor, at=self.at)

    @property
    def is_feature(self) -> bool:
        return self.actor.kind == ActorKind.CLIENT


class FileView(TusView, DriveView):
    max_bytes = uploads.MAX_FILE_BYTES


class FileListView(FileView):
    plain_methods = frozenset({"GET", "HEAD"})
    query = serializers.FileListQuerySerializer

    @extend_schema(
        operation_id="list_files",
        parameters=[serializers.FileListQuerySerializer],
        responses={200: serializers.FileListSerializer},
    )
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Return a page of the files that Antares puts into the person's Drive, newest first."""
        query = self.get_query(request)
        return json_response(
            file_list.list_files(
                self.request_context,
                drive_id=query.get("drive"),
                cursor=query.get("cursor"),
                limit=query["limit"],
                envelope={"request_id": self.request_id},
            )
        )

    @extend_schema(
        operation_id="create_file",
        parameters=[
            serializers.NewFileQuerySerializer,
            _TUS_VERSION,
            OpenApiParameter("Upload-Length", int, _HEADER, required=True, description="Bytes."),
            OpenApiParameter(
                "Upload-Metadata",
                str,
                _HEADER,
                description="`filename` and `filetype`, in base64, as tus 1.0 defines.",
            ),
        ],
        request=None,
        responses={201: None},
    )
    def post(self, request: Request, **_: Any) -> HttpResponse:
        """
        Create an upload by tus 1.0, without bytes. `Location` takes them by PATCH.

        A feature's file is a proposal, unless a standing consent of the person covers it.
        `Upload-State` says which.
        """
        query = self.check_query(request, serializers.NewFileQuerySerializer)
        size = tus_headers.read_number(request.headers, "Upload-Length")
        description = tus_headers.read_file_description(request.headers, make_drive_filename)
        drive = uploads.get_own_drive(self.request_context, query.get("drive"))
        if self.is_feature:
            self.count_request(request, FEATURE_FILES)
            file = feature_files.create_file(
                self.request_context,
                drive,
                size=size,
                filename=description.filename,
                content_type=description.content_type,
            )
        else:
            file = uploads.create_file(
                self.request_context,
                drive,
                size=size,
                filename=description.filename,
                content_type=description.content_type,
                again=query["again"],
            )
        location = reverse("api-file", args=[self.kwargs["user"], file.id])
        headers = {"Location": location, "Upload-State": file.state, **_describe_end(file)}
        return HttpResponse(status=201, headers=headers)


class FileDetailView(FileView):
    plain_methods = frozenset({"GET", "DELETE"})

    @extend_schema(operation_id="get_file", responses={200: serializers.FileSerializer})
    def get(self, request: Request, file_id: UUID, **_: Any) -> HttpResponse:
        """Return the state of one file."""
        self.get_query(request)
        return json_response(file_list.read_file(self.request_context, file_id))

    # drf-spectacular describes no HEAD: the text of `send_file_bytes` does.
    @extend_schema(exclude=True)
    def head(self, request: Request, file_id: UUID, **_: Any) -> HttpResponse:
        """Return how many bytes have arrived (tus)."""
        self.get_query(request)
        file = uploads.find_own_file(self.request_context, file_id)
        offset = upload_stream.find_offset(file, self.actor)
        headers = {"Upload-Offset": str(offset), **_describe_end(file)}
        if file.size is not None:
            headers["Upload-Length"] = str(file.size)
        return HttpResponse(headers=headers)

    @extend_schema(
        operation_id="send_file_bytes",
        parameters=[
            _TUS_VERSION,
            OpenApiParameter(
                "Upload-Offset",
                int,
                _HEADER,
                required=True,
                description="The body's first byte. HEAD returns how many bytes have arrived.",
            ),
            OpenApiParameter(
                "Upload-Checksum",
                str,
                _HEADER,
                description="`sha256` or `sha1` and the digest of the body in base64, for bodies"
                " of up to 8 MiB.",
            ),
        ],
        request={tus_headers.BODY_TYPE: OpenApiTypes.BINARY},
        responses={204: None},
    )
    def patch(self, request: Request, file_id: UUID, **_: Any) -> HttpResponse:
        """
        Pass bytes on to the Drive. They are stored nowhere else.

        Send the file in one request, or in at most 1,000 pieces that are multiples of 262,144
        bytes.
        """
        self.get_query(request)
        if request.META.get("CONTENT_TYPE") != tus_headers.BODY_TYPE:
            raise UnsupportedMediaType(tus_headers.BODY_TYPE)
        offset = tus_headers.read_number(request.headers, "Upload-Offset")
        checksum = tus_headers.read_checksum(request.headers)
        length = get_body_length(request)
        if length is None:
            raise UploadLengthMissing
        file = uploads.find_own_file(self.request_context, file_id)
        read_body = request._request.read  # noqa: SLF001 - DRF would buffer and parse the body
        try:
            with person_slots.hold_upload_slot(self.user_id):
                received = upload_stream.append_body(
                    file,
                    self.actor,
                    checked_body.check_body(read_body, checksum, received=file.received),
                    offset=offset,
                    length=length,
                )
        except (BodyInterrupted, UploadInterrupted):
            # Nobody reads this answer: the web server replaces it by 408 or 413, or its client
            # has left.
            received = file.received
        headers = {"Upload-Offset": str(received), **_describe_end(file)}
        return HttpResponse(status=204, headers=headers)

    @extend_schema(
        operation_id="remove_file",
        parameters=[serializers.FileRemovalQuerySerializer],
        responses={204: None},
    )
    def delete(self, request: Request, file_id: UUID, **_: Any) -> HttpResponse:
        """Cancel an unfinished upload, or remove a file from the list. Features only cancel."""
        query = self.check_query(request, serializers.FileRemovalQuerySerializer)
        if self.is_feature:
            if query["trash"]:
                drive_permits.refuse_decision_of_feature(actor=self.actor, at=self.at)
            feature_files.cancel_own_file(self.request_context, file_id)
        elif query["trash"]:
            removal.trash_file(self.request_context, file_id)
        else:
            removal.remove_file(self.request_context, file_id)
        return HttpResponse(status=204)


def _describe_end(file: DriveFile) -> dict[str, str]:
    return {"Upload-Expires": http_date(file.expires_at.timestamp())}
