"""
Publishes signed checkpoints and tombstones outside the database.

They reveal a restored database, which would sign a fork and use destroyed keys.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings

from limited_use.vault.tombstones import Tombstone

from .signed_notes import LogCheckpoint

TAIL_BYTES = 8192


class LedgerPublicationUnreadable(Exception):
    """The publication is damaged. Restore it before signing."""


class AlreadyPublished(Exception):
    """A published checkpoint cannot be changed or taken back."""


class PublicationSink(Protocol):
    """
    An append-only sink outside the database: a folder, a bucket with object lock, a foreign server.

    An append is durable when it returns.
    """

    def get_latest(self) -> tuple[LogCheckpoint, str] | None:
        """
        Return the last checkpoint and its signed note.

        :raises LedgerPublicationUnreadable:
        """

    def read_checkpoints(self) -> Iterator[tuple[LogCheckpoint, str]]:
        """Yield checkpoints and notes, oldest first. Raises as `get_latest`."""

    def append_checkpoint(self, checkpoint: LogCheckpoint, note: str) -> None:
        """:raises AlreadyPublished:"""

    def append_tombstones(self, tombstones: Sequence[Tombstone]) -> None:
        """Duplicates are harmless."""

    def read_tombstones(self) -> Iterator[Tombstone]:
        """Raises as `get_latest`."""


@dataclass(frozen=True, slots=True)
class PublicationFolder:
    """
    Two append-only files. Each line is flushed to disk before its content is used.

    :param path: file of checkpoints; the file of tombstones is beside it
    """

    path: Path

    def get_latest(self) -> tuple[LogCheckpoint, str] | None:
        # A last line without a newline was never used: the process crashed before it stored the
        # note elsewhere.
        try:
            with self.path.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - TAIL_BYTES))
                lines = file.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return None
        return self._parse_checkpoint(lines[-1]) if lines else None

    def read_checkpoints(self) -> Iterator[tuple[LogCheckpoint, str]]:
        for line in _read_lines(self.path):
            yield self._parse_checkpoint(line)

    def append_checkpoint(self, checkpoint: LogCheckpoint, note: str) -> None:
        line = {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": base64.b64encode(checkpoint.root).decode(),
            "note": note,
        }
        with _open_for_append(self.path) as write:
            latest = self.get_latest()
            if latest is not None and (
                latest[0].size > checkpoint.size
                or (latest[0].size == checkpoint.size and latest[0].root != checkpoint.root)
            ):
                raise AlreadyPublished(f"{latest[0].size} is published, and stands")
            write([line])

    def append_tombstones(self, tombstones: Sequence[Tombstone]) -> None:
        with _open_for_append(self._tombstone_path) as write:
            write([tombstone._asdict() for tombstone in tombstones])

    def read_tombstones(self) -> Iterator[Tombstone]:
        for line in _read_lines(self._tombstone_path):
            try:
                yield Tombstone(**json.loads(line))
            except (ValueError, TypeError):
                raise LedgerPublicationUnreadable(str(self._tombstone_path)) from None

    @property
    def _tombstone_path(self) -> Path:
        return self.path.with_name("tombstones.jsonl")

    def _parse_checkpoint(self, line: bytes) -> tuple[LogCheckpoint, str]:
        try:
            parsed = json.loads(line)
            root = base64.b64decode(parsed["root"], validate=True)
            return LogCheckpoint(parsed["origin"], parsed["size"], root), parsed["note"]
        except (ValueError, KeyError, TypeError):
            pass
        raise LedgerPublicationUnreadable(str(self.path))


def _read_lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            for line in file:
                # A crash cut other lines short; a later append ended them.
                if line.endswith(b"}\n"):
                    yield line[:-1]
    except FileNotFoundError:
        return


@contextmanager
def _open_for_append(path: Path) -> Iterator[Any]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_new = not path.exists()
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)

    def write_lines(lines: Sequence[dict[str, Any]]) -> None:
        size = os.fstat(descriptor).st_size
        # End a line that a crash cut short, so that the new line stands alone.
        ends_with_newline = size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
        text = b"".join(json.dumps(line, sort_keys=True).encode() + b"\n" for line in lines)
        text = (b"" if ends_with_newline else b"\n") + text
        while text:
            text = text[os.write(descriptor, text) :]
        os.fsync(descriptor)
        if is_new:
            _flush_folder(path.parent)

    try:
        # The lock makes reading the last line and appending one step.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield write_lines
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def get_ledger_publication() -> PublicationFolder:
    if folder := getattr(settings, "PUBLICATION_DIR", None):
        return PublicationFolder(Path(folder) / "checkpoints.jsonl")
    configured = getattr(settings, "LEDGER_CHECKPOINTS", None)
    return PublicationFolder(Path(configured or f"{settings.KEYRING.folder}/checkpoints.jsonl"))
