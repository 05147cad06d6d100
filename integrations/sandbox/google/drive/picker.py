"""
The picker on the authorization endpoint: the user chooses files that the project may see.

Its form is that of the consent page, with `file` (ids) instead of `scope`. The browser returns with
`picked_file_ids` beside the code. Source:
https://developers.google.com/workspace/drive/picker/guides/overview-desktop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.google import scopes as scope_names
from integrations.sandbox.google.drive.store import AccountDrive, DriveFile
from integrations.sandbox.http_messages import HttpCall

SWITCHES = ("trigger_onepick", "allow_multiple", "allow_folder_selection")


class PickerError(ValueError):
    """Shown by Google; the client receives nothing."""


@dataclass(frozen=True)
class PickerOptions:
    """Empty `mime_types` and `file_ids` allow all. Folders need their own permission."""

    allow_multiple: bool
    allow_folders: bool
    mime_types: frozenset[str]
    file_ids: frozenset[str]

    def list_choices(self, drive: AccountDrive) -> list[DriveFile]:
        return [
            file
            for file in drive.list_files()
            if not drive.is_trashed(file)
            and (self.allow_folders or not file.is_folder)
            and (not self.mime_types or file.mime_type in self.mime_types)
            and (not self.file_ids or file.id in self.file_ids)
        ]


def read_options(
    call: HttpCall, scopes: Sequence[str], prompts: frozenset[str]
) -> PickerOptions | None:
    """
    Return None for an ordinary request.

    :raises PickerError: more scopes than drive.file, no prompt of consent, or a malformed switch
    """
    for name in SWITCHES:
        if call.get_param(name, "false") not in ("true", "false"):
            raise PickerError(f"Invalid parameter value for {name}")
    if call.get_param("trigger_onepick") != "true":
        return None
    if tuple(scopes) != (scope_names.DRIVE_FILE,):
        raise PickerError("The picker allows only the scope drive.file")
    if "consent" not in prompts:
        raise PickerError("The picker needs prompt=consent")
    return PickerOptions(
        allow_multiple=call.get_param("allow_multiple") == "true",
        allow_folders=call.get_param("allow_folder_selection") == "true",
        mime_types=_split_values(call.get_param("mimetypes")),
        file_ids=_split_values(call.get_param("file_ids")),
    )


def _split_values(text: str) -> frozenset[str]:
    return frozenset(value.strip() for value in text.split(",") if value.strip())


def pick_files(
    account: SandboxAccount, project: str, options: PickerOptions, file_ids: Sequence[str]
) -> None:
    """:raises PickerError: a file that the page does not offer, or too many"""
    if len(file_ids) > 1 and not options.allow_multiple:
        raise PickerError("Only one file can be picked.")
    if not file_ids:
        return
    offered = {file.id for file in options.list_choices(account.drive)} if account.drive else set()
    if account.drive is None or not offered.issuperset(file_ids):
        raise PickerError("The page does not offer this file.")
    for file_id in file_ids:
        account.drive.pick_file(file_id, project)


def render_choices(account: SandboxAccount, options: PickerOptions) -> str:
    files = options.list_choices(account.drive) if account.drive else []
    kind = "checkbox" if options.allow_multiple else "radio"
    rows = [
        f'<p><label><input type="{kind}" name="file" value="{escape(file.id)}"> '
        f"{'Folder: ' if file.is_folder else ''}{escape(file.name)}</label></p>"
        for file in files
    ]
    content = "".join(rows) or "<p>No files</p>"
    return f"<fieldset><legend>Drive of {escape(account.email)}</legend>{content}</fieldset>"
