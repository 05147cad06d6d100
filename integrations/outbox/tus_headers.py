"""
Headers of resumable uploads: tus 1.0 (https://tus.io/protocols/resumable-upload), with creation,
expiration, termination and checksum. Pure.

A file's name is sealed, so HEAD does not return `Upload-Metadata`: its client knows the name.
`X-HTTP-Method-Override` is not read: a proxy in front could not tell the method.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from integrations.formats.mime.attachment_filenames import FilenameMaker, make_safe_filename

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,expiration,termination,checksum"
#: Of `Upload-Checksum`, and the bytes of their digests. The protocol requires the first.
ALGORITHMS: Final[Mapping[str, int]] = {"sha1": 20, "sha256": 32}
#: Content type of PATCH.
BODY_TYPE: Final = "application/offset+octet-stream"
#: Characters of `Upload-Metadata`; longer than any file name.
MAX_METADATA: Final = 4096
DEFAULT_TYPE: Final = "application/octet-stream"

_NUMBER: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
# RFC 6838 §4.2.
_TYPE: Final = re.compile(
    r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}", re.ASCII
)


class InvalidHeader(Exception):
    """:param name: of the header that is missing or cannot be read"""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class AlgorithmUnsupported(Exception):
    """`Upload-Checksum` names an algorithm that is not in `ALGORITHMS`."""


@dataclass(frozen=True, slots=True)
class UploadChecksum:
    """:param digest: of the bytes of one request"""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class FileDescription:
    """
    :param filename: safe to show
    :param content_type: lower case, without parameters
    """

    filename: str
    content_type: str


def read_number(headers: Mapping[str, str], name: str) -> int:
    """:raises InvalidHeader:"""
    value = headers.get(name, "")
    if not _NUMBER.fullmatch(value):
        raise InvalidHeader(name)
    return int(value)


def read_checksum(headers: Mapping[str, str]) -> UploadChecksum | None:
    """
    Return None without the header.

    :raises InvalidHeader, AlgorithmUnsupported:
    """
    value = headers.get("Upload-Checksum")
    if value is None:
        return None
    algorithm, _, encoded = value.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise AlgorithmUnsupported
    try:
        digest = b64decode(encoded, validate=True)
    except (Base64Error, ValueError):
        digest = b""
    if len(digest) != ALGORITHMS[algorithm]:
        raise InvalidHeader("Upload-Checksum")
    return UploadChecksum(algorithm, digest)


def read_file_description(
    headers: Mapping[str, str], make_filename: FilenameMaker = make_safe_filename
) -> FileDescription:
    """
    Read `filename` and `filetype` from `Upload-Metadata`; other keys are dropped.

    :param make_filename: makes the name safe to show
    :raises InvalidHeader:
    """
    metadata = _parse_metadata(headers.get("Upload-Metadata", ""))
    content_type = metadata.get("filetype", "").partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(content_type):
        content_type = DEFAULT_TYPE
    filename = make_filename(metadata.get("filename", ""), content_type=content_type, position=1)
    return FileDescription(filename, content_type)


def _parse_metadata(value: str) -> dict[str, str]:
    if len(value) > MAX_METADATA:
        raise InvalidHeader("Upload-Metadata")
    pairs = list(_iterate_pairs(value))
    metadata = dict(pairs)
    # Two readers could use different values.
    if len(metadata) != len(pairs):
        raise InvalidHeader("Upload-Metadata")
    return metadata


def _iterate_pairs(value: str) -> Iterator[tuple[str, str]]:
    if not value.strip():
        return
    for pair in value.split(","):
        key, _, encoded = pair.strip().partition(" ")
        text = _decode_text(encoded)
        if not key or text is None:
            raise InvalidHeader("Upload-Metadata")
        yield key, text


def _decode_text(encoded: str) -> str | None:
    try:
        return b64decode(encoded, validate=True).decode()
    except (Base64Error, ValueError):
        return None
