"""
One sealed record's bytes. Pure.

    LU1 | flags (1) | key id (8) | nonce (12) | ciphertext | tag (16)

AES-256-GCM with a random nonce; the header and the binding are authenticated.
40 bytes more than what is sealed.
"""

from __future__ import annotations

import os
from typing import Protocol

import zstandard
from cryptography.exceptions import InvalidTag

from limited_use.policy.vocabulary import DataClass

from .compression import RecordTooLarge, compress_record, expand_record
from .sealed import FORMAT, KEY_ID_AT, KEY_ID_BYTES, Binding

ZSTD = 0x01
FLAGS_AT = len(FORMAT)
NONCE_AT = KEY_ID_AT + KEY_ID_BYTES
BODY_AT = NONCE_AT + 12
TAG_BYTES = 16
_UNCOMPRESSED_START = FORMAT + b"\x00"
_COMPRESSED_START = FORMAT + bytes([ZSTD])
_KNOWN_STARTS = frozenset({_UNCOMPRESSED_START, _COMPRESSED_START})


class Unopenable(Exception):
    """
    It does not open. One error, without words, whatever the reason: a flipped
    bit, another row's bytes, another key, plaintext, a key that is gone.
    """


class Damaged(Unopenable):
    """
    The key of its holder is there and does not open these bytes: they were changed, or moved.

    Said to whoever lists many, so that one does not take the others along; to all else the same.
    """


class KeyDamaged(Damaged):
    """
    The key of its holder is there, the key store answers, and the key does not unwrap.

    What is under it stays closed, and nothing else does. There is one alarm for the key, not one
    for each of its rows.
    """


class Cipher(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...


class RecordKey(Protocol):
    key_id: bytes

    def get_cipher(self, data_class: DataClass) -> Cipher: ...


def seal_record(data: bytes, binding: Binding, key: RecordKey) -> bytes:
    """
    Return the record of `data` under `key`, bound to `binding`.

    :raises TooLarge: if `data` is larger than one record may be
    """
    frame = compress_record(data)
    header = (_UNCOMPRESSED_START if frame is None else _COMPRESSED_START) + key.key_id
    nonce = os.urandom(12)
    ciphertext = key.get_cipher(binding.data_class).encrypt(
        nonce, data if frame is None else frame, binding.associated_data(header)
    )
    return header + nonce + ciphertext


def open_record(record: bytes, binding: Binding, key: RecordKey) -> bytes:
    """
    Return what `record` holds.

    :raises Damaged: if it is not a record sealed under `key` for that very place
    """
    header = record[:NONCE_AT]
    # No trial decryption: the header names its key, or this is none of ours.
    if header[KEY_ID_AT:] == key.key_id and header[:KEY_ID_AT] in _KNOWN_STARTS:
        try:
            data = key.get_cipher(binding.data_class).decrypt(
                record[NONCE_AT:BODY_AT], record[BODY_AT:], binding.associated_data(header)
            )
            return data if header[FLAGS_AT] == 0 else expand_record(data)
        except (InvalidTag, ValueError, RecordTooLarge, zstandard.ZstdError):
            pass
    # Outside the except block: nothing of the cause hangs on to it.
    raise Damaged
