"""Handlers by method of the discovery document."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.google.drive import file_lists, file_queries, file_writes
from integrations.sandbox.google.drive.request import DriveRequest

Handler = Callable[[DriveRequest], Any]

HANDLERS: dict[str, Handler] = {
    f"drive.{name}": handler
    for name, handler in {
        "about.get": file_queries.get_about,
        "files.create": file_writes.create_file,
        "files.delete": file_writes.delete_file,
        "files.generateIds": file_queries.generate_ids,
        "files.get": file_queries.get_file,
        "files.list": file_lists.list_files,
        "files.update": file_writes.update_file,
    }.items()
}
