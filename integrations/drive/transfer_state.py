"""What is known of a file at its provider, as the JSON of its sealed column."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

#: Digests of the present request that are kept: the Drive lags behind by less than these.
MAX_PREFIXES: Final = 64


@dataclass(frozen=True, slots=True)
class Piece:
    """
    Consecutive bytes of the file that were read in one request or by one worker.

    :param size: in bytes
    :param sha256: 64 hexadecimal digits
    """

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TransferState:
    """
    :param file_id: the provider's, made before the first upload session
    :param session_url: of the open upload session, a bearer secret; empty: there is none
    :param stored: bytes that the provider has, when it was last asked
    :param pieces: from the first byte of the file
    :param prefixes: of the present request's bytes, which follow the pieces: each begins at the
        same byte, and the last is the longest
    :param link: of the provider's page of the file
    """

    file_id: str = ""
    folder_id: str = ""
    # Not in a report of a crash.
    session_url: str = field(default="", repr=False)
    stored: int = 0
    pieces: tuple[Piece, ...] = ()
    prefixes: tuple[Piece, ...] = ()
    link: str = ""

    @property
    def received(self) -> int:
        """Return the bytes of the file that were sent and have a digest."""
        in_request = self.prefixes[-1].size if self.prefixes else 0
        return self._count_piece_bytes() + in_request

    def add_prefix(self, prefix: Piece) -> TransferState:
        kept_prefixes = self.prefixes[-(MAX_PREFIXES - 1) :]
        return replace(self, prefixes=(*kept_prefixes, prefix))

    def end_request(self, stored: int) -> TransferState:
        """
        Return the state without bytes that the provider does not have.

        :param stored: bytes that it has
        """
        pieces: list[Piece] = []
        end = 0
        for piece in self.pieces:
            if end + piece.size > stored:
                return replace(self, stored=stored, pieces=tuple(pieces), prefixes=())
            end += piece.size
            pieces.append(piece)
        fitting = [prefix for prefix in self.prefixes if 0 < prefix.size <= stored - end]
        return replace(self, stored=stored, pieces=(*pieces, *fitting[-1:]), prefixes=())

    def begin_again(self, session_url: str) -> TransferState:
        """Return the state of a new session: the provider has no byte."""
        return replace(self, session_url=session_url, stored=0, pieces=(), prefixes=())

    def drop_transfer(self) -> TransferState:
        """Return what the list needs of a settled file."""
        return TransferState(file_id=self.file_id, folder_id=self.folder_id, link=self.link)

    def _count_piece_bytes(self) -> int:
        return sum(piece.size for piece in self.pieces)

    def encode(self) -> bytes:
        return orjson.dumps(
            {
                "file_id": self.file_id,
                "folder_id": self.folder_id,
                "session_url": self.session_url,
                "stored": self.stored,
                "pieces": [[piece.size, piece.sha256] for piece in self.pieces],
                "prefixes": [[prefix.size, prefix.sha256] for prefix in self.prefixes],
                "link": self.link,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> TransferState:
        values: dict[str, Any] = orjson.loads(data)
        for name in ("pieces", "prefixes"):
            values[name] = tuple(Piece(*piece) for piece in values[name])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class FileDescriptor:
    """
    :param filename: safe to show, and the name in the Drive
    :param content_type: lower case, without parameters
    """

    filename: str
    content_type: str

    def encode(self) -> bytes:
        return orjson.dumps({"filename": self.filename, "content_type": self.content_type})

    @classmethod
    def decode(cls, data: bytes) -> FileDescriptor:
        return cls(**orjson.loads(data))


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """
    :param folder_id: the provider's
    :param name: safe to show
    :param link: of the provider's page of the folder; empty: the Drive has not confirmed that
        Antares's own folder was created
    :param own: of a folder that the owner chose: Antares's own folder, to return to; None: there
        is none
    """

    folder_id: str
    name: str
    link: str = ""
    own: FolderPlace | None = None

    def encode(self) -> bytes:
        values: dict[str, Any] = _name_folder(self)
        if self.own is not None:
            values["own"] = _name_folder(self.own)
        return orjson.dumps(values)

    @classmethod
    def decode(cls, data: bytes) -> FolderPlace:
        values: dict[str, Any] = orjson.loads(data)
        own = values.pop("own", None)
        return cls(**values, own=None if own is None else cls(**own))


def _name_folder(place: FolderPlace) -> dict[str, str]:
    return {"folder_id": place.folder_id, "name": place.name, "link": place.link}
