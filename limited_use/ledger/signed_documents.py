r"""
Signed documents: canonical JSON with the signature as its last member. Pure.

    {…,"signed_by":"name+keyid",…  ,"signature":"<base64>"}\n

The signature covers all bytes before its comma. Verification rebuilds nothing, so it detects any
changed byte.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .signed_notes import VerifierKey

# Part of the signed text, so that no other text signed by the key passes for a receipt.
DOMAIN = b"limited-use-document/1\n"
SIGNED_BY = "signed_by"
_SUFFIX = re.compile(rb',"signature":"([A-Za-z0-9+/]{86}==)"\}\n\Z')


class BadDocument(Exception):
    """The document is malformed, altered, or not signed by a known key."""


def encode_canonical(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def sign_document(
    value: Mapping[str, Any], key: VerifierKey, signer: Callable[[bytes], bytes]
) -> bytes:
    """:param signer: makes the Ed25519 signature of `key`"""
    if SIGNED_BY in value or "signature" in value:
        raise ValueError("the signature is added here")
    signed = encode_canonical({**value, SIGNED_BY: get_signer_name(key)}).removesuffix(b"}")
    signature = base64.b64encode(signer(DOMAIN + signed)).decode()
    return signed + f',"signature":"{signature}"}}\n'.encode()


def verify_document(document: bytes, keys: Sequence[VerifierKey]) -> dict[str, Any]:
    """
    Return the content without the signature.

    :param keys: pinned by the verifier; never taken from the document
    :raises BadDocument:
    """
    suffix = _SUFFIX.search(document)
    if suffix is None:
        raise BadDocument("it does not end with a signature")
    signature = base64.b64decode(suffix[1])
    if base64.b64encode(signature) != suffix[1]:
        raise BadDocument("its signature is not written in the one canonical way")
    signed = document[: suffix.start()]
    try:
        value = json.loads(signed + b"}")
        is_canonical = isinstance(value, dict) and encode_canonical(value) == signed + b"}"
    except (ValueError, RecursionError):
        is_canonical = False
    if not is_canonical:
        raise BadDocument("it is not canonical JSON")
    named_keys = [key for key in keys if get_signer_name(key) == value.get(SIGNED_BY)]
    if not named_keys:
        raise BadDocument("it is signed by a key that was not given")
    if not any(key.is_valid_signature(signature, DOMAIN + signed) for key in named_keys):
        raise BadDocument("its signature is wrong: some byte was changed")
    return dict(value)


def get_signer_name(key: VerifierKey) -> str:
    return f"{key.name}+{key.id.hex()}"
