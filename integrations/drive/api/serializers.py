"""Serializers of files, and of the query parameters of their list and creation."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.models import DriveFileProblem, DriveFileState, FileSourceKind
from integrations.web.api.serializers import (
    MAX_PAGE_SIZE,
    CursorField,
    QueryBooleanField,
    make_page_serializer,
)


@extend_schema_serializer(component_name="File")
class FileSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    drive = serializers.UUIDField(help_text="Id of the Drive's integration.")
    filename = serializers.CharField(
        allow_null=True, help_text="Null until a worker has read the attachment or calendar."
    )
    content_type = serializers.CharField(allow_null=True)
    size = serializers.IntegerField(allow_null=True, help_text="Bytes; null if not known yet.")
    received = serializers.IntegerField(help_text="Bytes that were passed on.")
    state = serializers.ChoiceField(choices=DriveFileState.values)
    problem = serializers.ChoiceField(
        choices=[value for value in DriveFileProblem.values if value],
        allow_null=True,
        help_text="Why it failed.",
    )
    origin = serializers.ChoiceField(choices=FileSourceKind.values)
    proposed_by = serializers.CharField(
        allow_null=True, help_text="Key of the feature whose file it is."
    )
    standing_consent = serializers.UUIDField(
        allow_null=True, help_text="The standing consent under which a feature saves the file."
    )
    is_namesake = serializers.BooleanField(
        help_text="True if the folder had a file of this name already. False for features."
    )
    link = serializers.CharField(
        allow_null=True, help_text="The provider's page of the file. Null for features."
    )
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="When an unfinished upload is given up."
    )


FileListSerializer = make_page_serializer("FileList", FileSerializer)


@extend_schema_serializer(component_name="FileListQuery")
class FileListQuerySerializer(serializers.Serializer[None]):
    drive = serializers.UUIDField(required=False, help_text="Only files of this Drive.")
    cursor = CursorField(required=False, help_text="The next_cursor of the page before.")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE_SIZE, default=50)


@extend_schema_serializer(component_name="NewFileQuery")
class NewFileQuerySerializer(serializers.Serializer[None]):
    drive = serializers.UUIDField(
        required=False, help_text="The Drive's integration; by default the person's first."
    )
    again = QueryBooleanField(
        default=False,
        help_text="Also if a file of this name and size was uploaded before. Features' files are"
        " not compared.",
    )


@extend_schema_serializer(component_name="FileRemovalQuery")
class FileRemovalQuerySerializer(serializers.Serializer[None]):
    trash = QueryBooleanField(
        default=False,
        help_text="Also move the file to the Drive's trash. Otherwise it stays in the Drive.",
    )
