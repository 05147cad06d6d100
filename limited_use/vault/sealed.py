"""
`SealedValue`: ciphertext and its binding, without plaintext.

Any code may hold one: its attributes reveal no more than the database. Operations that could leak
it raise an error.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, NoReturn, final
from uuid import UUID

from limited_use.policy.policy_vocabulary import DataClass

FORMAT = b"LU1"
# The position of the key id in a record; see `envelope`.
KEY_ID_AT = len(FORMAT) + 1
KEY_ID_BYTES = 8


class SealedAccessError(TypeError):
    """Code treated a sealed value as plain data. Open it in a sink, under a permit."""


class CiphertextBinding(NamedTuple):
    """The only place where a ciphertext opens."""

    holder: UUID
    data_class: DataClass
    table: str
    row: UUID
    column: str

    def associated_data(self, header: bytes) -> bytes:
        """
        Return the data to authenticate (AEAD).

        :param header: format version, flags and key id
        """
        # Fixed lengths first; table and column are identifiers, free of NUL.
        encoded_column = _encode_column(self.data_class, self.table, self.column)
        return header + self.holder.bytes + self.row.bytes + encoded_column


@lru_cache(maxsize=1024)
def _encode_column(data_class: DataClass, table: str, column: str) -> bytes:
    return f"{data_class}\0{table}\0{column}".encode()


def _refuse_operation(*_: object, **__: object) -> NoReturn:
    raise SealedAccessError("sealed: only a sink opens it, under a permit")


REFUSED_METHODS = (
    # Text.
    "__str__",
    "__format__",
    "__bytes__",
    "__add__",
    "__radd__",
    "__iadd__",
    "__mod__",
    "__rmod__",
    "__mul__",
    "__rmul__",
    "__getitem__",
    "__contains__",
    "encode",
    "decode",
    # Numbers and order.
    "__int__",
    "__float__",
    "__complex__",
    "__index__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__round__",
    "__trunc__",
    # Truth, size, iteration.
    "__bool__",
    "__len__",
    "__length_hint__",
    "__iter__",
    "__next__",
    "__reversed__",
    "__aiter__",
    # Serialising and copying.
    "__reduce__",
    "__reduce_ex__",
    "__getstate__",
    "__setstate__",
    "__getnewargs__",
    "__getnewargs_ex__",
    "__copy__",
    "__deepcopy__",
    "__replace__",
    "__json__",
    "for_json",
    "isoformat",
    # Rendering, and system interfaces to bytes.
    "__html__",
    "__fspath__",
    "__buffer__",
)


@final
class SealedValue:
    __slots__ = ("__weakref__", "_binding", "_ciphertext")

    _binding: CiphertextBinding
    _ciphertext: bytes

    def __init__(self, ciphertext: bytes, binding: CiphertextBinding) -> None:
        if not isinstance(ciphertext, bytes):
            raise SealedAccessError("ciphertext is bytes")
        object.__setattr__(self, "_ciphertext", ciphertext)
        object.__setattr__(self, "_binding", binding)

    def __init_subclass__(cls, **_: Any) -> None:
        raise SealedAccessError("Sealed is final")

    @property
    def ciphertext(self) -> bytes:
        return self._ciphertext

    @property
    def binding(self) -> CiphertextBinding:
        return self._binding

    def __setattr__(self, *_: object) -> NoReturn:
        raise SealedAccessError("Sealed is immutable")

    def __delattr__(self, _: str) -> NoReturn:
        raise SealedAccessError("Sealed is immutable")

    # Not refused on purpose: the ORM, tests and debuggers compare and print.
    def __repr__(self) -> str:
        return "<Sealed>"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)


for _name in REFUSED_METHODS:
    type.__setattr__(SealedValue, _name, _refuse_operation)
