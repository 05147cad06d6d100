"""`/files/{file_id}/{action}`: pause, resume, accept, cancel and retry."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.actors import Actor, ActorKind
from integrations.access import drive_permits
from integrations.drive import feature_files, file_list, proposals, upload_controls
from integrations.web.api.api_views import json_response

from . import serializers
from .views import DriveView


class FileActionView(DriveView):
    """What the person alone does with a file."""

    def check_client(self, actor: Actor) -> None:
        super().check_client(actor)
        if actor.kind == ActorKind.CLIENT:
            drive_permits.refuse_decision_of_feature(actor=actor, at=self.at)

    def act(self, file_id: UUID) -> None:
        raise NotImplementedError

    def post(self, request: Request, file_id: UUID, **_: Any) -> HttpResponse:
        self.get_query(request)
        self.act(file_id)
        return json_response(file_list.read_file(self.request_context, file_id))


class FilePauseView(FileActionView):
    @extend_schema(
        operation_id="pause_file", request=None, responses={200: serializers.FileSerializer}
    )
    def post(self, request: Request, file_id: UUID, **kwargs: Any) -> HttpResponse:
        """Stop sending. What the Drive has stays there until the upload is resumed."""
        return super().post(request, file_id, **kwargs)

    def act(self, file_id: UUID) -> None:
        upload_controls.pause_file(self.request_context, file_id)


class FileResumeView(FileActionView):
    @extend_schema(
        operation_id="resume_file", request=None, responses={200: serializers.FileSerializer}
    )
    def post(self, request: Request, file_id: UUID, **kwargs: Any) -> HttpResponse:
        """Continue a paused upload."""
        return super().post(request, file_id, **kwargs)

    def act(self, file_id: UUID) -> None:
        upload_controls.resume_file(self.request_context, file_id)


class FileAcceptView(FileActionView):
    @extend_schema(
        operation_id="accept_file", request=None, responses={200: serializers.FileSerializer}
    )
    def post(self, request: Request, file_id: UUID, **kwargs: Any) -> HttpResponse:
        """Let a feature send the bytes of the file that it proposed."""
        return super().post(request, file_id, **kwargs)

    def act(self, file_id: UUID) -> None:
        proposals.accept_file(self.request_context, file_id)


class FileCancelView(FileActionView):
    """For features as well, of their own files."""

    def check_client(self, actor: Actor) -> None:
        DriveView.check_client(self, actor)

    @extend_schema(
        operation_id="cancel_file", request=None, responses={200: serializers.FileSerializer}
    )
    def post(self, request: Request, file_id: UUID, **kwargs: Any) -> HttpResponse:
        """Stop an upload for good, decline a proposal, or take one's own back."""
        return super().post(request, file_id, **kwargs)

    def act(self, file_id: UUID) -> None:
        if self.is_feature:
            feature_files.cancel_own_file(self.request_context, file_id)
        else:
            upload_controls.cancel_file(self.request_context, file_id)


class FileRetryView(FileActionView):
    @extend_schema(
        operation_id="retry_file", request=None, responses={200: serializers.FileSerializer}
    )
    def post(self, request: Request, file_id: UUID, **kwargs: Any) -> HttpResponse:
        """Begin a failed attachment, calendar or export again."""
        return super().post(request, file_id, **kwargs)

    def act(self, file_id: UUID) -> None:
        upload_controls.retry_file(self.request_context, file_id)
