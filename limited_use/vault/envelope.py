"""
The bytes of one sealed record. Pure.

    LU1 | flags (1) | key id (8) | nonce (12) | ciphertext | tag (16)

AES-256-GCM with a random nonce. Header and binding are authenticated. The overhead is 40 bytes.
"""

from __future__ import annotations

import os
from typing import Protocol

import zstandard
from cryptography.exceptions import InvalidTag

from limited_use.policy.policy_vocabulary import DataClass

from .record_compression import RecordTooLarge, compress_record, expand_record
from .sealed import FORMAT, KEY_ID_AT, KEY_ID_BYTES, CiphertextBinding

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
    The value does not open. A flipped bit, bytes of another row, a wrong or destroyed key, and
    plaintext all look the same.
    """


class Damaged(Unopenable):
    """
    The bytes were changed or moved; the key is intact.

    Code that opens many values catches this error to skip one.
    """


class KeyDamaged(Damaged):
    """
    The key store answers, but the holder's key does not unwrap.

    Only its values stay closed, with one alarm for the key.
    """


class RecordCipher(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...


class RecordKey(Protocol):
    key_id: bytes

    def get_cipher(self, data_class: DataClass) -> RecordCipher: ...


def seal_record(data: bytes, binding: CiphertextBinding, key: RecordKey) -> bytes:
    """:raises RecordTooLarge:"""
    frame = compress_record(data)
    header = (_UNCOMPRESSED_START if frame is None else _COMPRESSED_START) + key.key_id
    nonce = os.urandom(12)
    ciphertext = key.get_cipher(binding.data_class).encrypt(
        nonce, data if frame is None else frame, binding.associated_data(header)
    )
    return header + nonce + ciphertext


def open_record(record: bytes, binding: CiphertextBinding, key: RecordKey) -> bytes:
    """:raises Damaged: if `record` was not sealed under `key` for `binding`"""
    header = record[:NONCE_AT]
    # No trial decryption: the header names its key, or the record is not ours.
    if header[KEY_ID_AT:] == key.key_id and header[:KEY_ID_AT] in _KNOWN_STARTS:
        try:
            data = key.get_cipher(binding.data_class).decrypt(
                record[NONCE_AT:BODY_AT], record[BODY_AT:], binding.associated_data(header)
            )
            return data if header[FLAGS_AT] == 0 else expand_record(data)
        except (InvalidTag, ValueError, RecordTooLarge, zstandard.ZstdError):
            pass
    # Outside the except block, so that the error has no context.
    raise Damaged
