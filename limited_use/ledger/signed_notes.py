"""
C2SP signed notes, checkpoints and witness cosignatures. Pure.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-cosignature
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = 0x01
COSIGNATURE = 0x04
DASH = "\u2014"
KEY_BYTES = 32
ID_BYTES = 4
TIME_BYTES = 8
ROOT_BYTES = 32
# Limits the work for a hostile note; the specification requires sixteen.
MAX_SIGNATURES = 100
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")
_NAME = re.compile(r"[^\s+]+\Z")


class BadNote(Exception):
    """The note is malformed, or no known key signed it."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    name: str
    public: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        material = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(material).digest()[:ID_BYTES]

    def __str__(self) -> str:
        """Return `name+<key id>+<key>`, the form to publish."""
        encoded = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """:raises BadNote: if `text` is malformed, or the id does not match the key"""
        # Only the first two separators count: base64 may contain more.
        parts = text.strip().split("+", 2)
        if len(parts) != 3 or not _NAME.match(parts[0]):  # noqa: PLR2004
            raise BadNote("not a verifier key")
        material = decode_base64(parts[2])
        if len(material) != KEY_BYTES + 1 or material[0] not in {ED25519, COSIGNATURE}:
            raise BadNote("not a kind of key that is known here")
        key = cls(parts[0], material[1:], material[0])
        if key.id.hex() != parts[1]:
            raise BadNote("the key's id is not that of the key")
        return key

    def is_valid_signature(self, signature: bytes, text: bytes) -> bool:
        """:param signature: without the key id"""
        message = text
        if self.kind == COSIGNATURE:
            seconds = int.from_bytes(signature[:TIME_BYTES], "big")
            message = f"cosignature/v1\ntime {seconds}\n".encode() + text
            signature = signature[TIME_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class LogCheckpoint:
    """Origin, size and root of a tree, as its log signs them."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> LogCheckpoint:
        """
        Ignore extension lines.

        :raises BadNote:
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):  # noqa: PLR2004
            raise BadNote("not a checkpoint")
        origin, size, root = lines[0], lines[1], decode_base64(lines[2])
        if not _NAME.match(origin) or not _SIZE.match(size) or len(root) != ROOT_BYTES:
            raise BadNote("not a checkpoint")
        return cls(origin, int(size), root)


def sign_note(text: str, key: VerifierKey, signer: Callable[[bytes], bytes]) -> str:
    """
    :param text: ends with a newline, which the signature covers
    :param signer: makes the Ed25519 signature of `key`
    """
    if not text.endswith("\n"):
        raise ValueError("a note's text ends with a newline")
    blob = base64.b64encode(key.id + signer(text.encode())).decode()
    return f"{text}\n{DASH} {key.name} {blob}\n"


def verify_note(note: str, keys: Sequence[VerifierKey]) -> str:
    """
    Return the text.

    :raises BadNote: if none of `keys` signed, or one of their signatures is wrong
    """
    text, separator, block = note.rpartition("\n\n")
    if not separator or not block.endswith("\n") or any(ord(c) < 32 and c != "\n" for c in note):  # noqa: PLR2004
        raise BadNote("not a signed note")
    text += "\n"
    known = {(key.name, key.id): key for key in keys}
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNote("too many signatures")
    is_verified = False
    for line in lines:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        blob = decode_base64(encoded)
        if dash != DASH or not _NAME.match(name) or len(blob) <= ID_BYTES:
            raise BadNote("not a signature line")
        key = known.get((name, blob[:ID_BYTES]))
        if key is None:
            continue
        if not key.is_valid_signature(blob[ID_BYTES:], text.encode()):
            raise BadNote(f"the signature of {name} is wrong")
        is_verified = is_verified or key.kind == ED25519
    if not is_verified:
        raise BadNote("no key that is known here signed it")
    return text


def decode_base64(text: str) -> bytes:
    """
    Decode canonical, padded standard base64.

    :raises BadNote:
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or base64.b64encode(data).decode() != text:
        raise BadNote("not canonical base64")
    return data
