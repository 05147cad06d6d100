"""
`SealedField`: a model field with values of type `SealedValue`.

A ciphertext moved to another row, column or owner does not open. The field supports no lookups,
text, forms or dumps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Never, TypeVar, cast
from uuid import UUID

from django.core import checks
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.lookups import Exact
from django.db.models.query_utils import DeferredAttribute

from limited_use.policy.policy_vocabulary import DataClass

from .sealed import CiphertextBinding, SealedAccessError, SealedValue


class StoredCiphertext(bytes):
    """Bytes of a column, which `SealedDescriptor` binds."""

    __slots__ = ()


_ABSENT = object()


class SealedDescriptor(DeferredAttribute):
    """Binds a ciphertext to its instance."""

    field: SealedField[Any, Any]

    def __get__(self, instance: models.Model | None, cls: type | None = None) -> Any:
        value = (
            instance.__dict__.get(self.field.attname, _ABSENT) if instance is not None else _ABSENT
        )
        if value is _ABSENT:
            value = super().__get__(instance, cls)
        if type(value) is StoredCiphertext:
            return SealedValue(value[:], self.field.get_binding(cast("models.Model", instance)))
        return value

    def __set__(self, instance: models.Model, value: object) -> None:
        if value is not None and not isinstance(value, SealedValue | StoredCiphertext):
            raise SealedAccessError(f"{self.field.name} takes Sealed and nothing else")
        instance.__dict__[self.field.attname] = value


class NullLookup(Exact):
    """Allows only `column=None`, which means `isnull`."""

    def get_prep_lookup(self) -> Any:
        if self.rhs is not None:
            raise FieldError("a sealed column cannot be compared")
        return None


_Set_contra = TypeVar("_Set_contra", contravariant=True)
_Get_co = TypeVar("_Get_co", covariant=True)

if TYPE_CHECKING:

    class Column(models.Field[_Set_contra, _Get_co]):
        """The types for a type checker: `SealedValue`, or None for a nullable column."""

        _pyi_private_set_type: SealedValue
        _pyi_private_get_type: SealedValue
else:

    class Column(models.BinaryField):
        def __class_getitem__(cls, _: object) -> type[Column]:
            return cls


class SealedField(Column[_Set_contra, _Get_co]):
    """:param holder: the attribute with the id of the key's holder"""

    descriptor_class = SealedDescriptor
    empty_values: ClassVar[list[Any]] = [None]  # type: ignore[misc]

    def __init__(
        self, *args: Any, data_class: DataClass | str, holder: str = "integration_id", **kwargs: Any
    ) -> None:
        self.data_class = DataClass(data_class)
        self.holder = holder
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return (
            name,
            path,
            args,
            kwargs | {"data_class": str(self.data_class), "holder": self.holder},
        )

    def get_binding(self, instance: models.Model) -> CiphertextBinding:
        return CiphertextBinding(
            getattr(instance, self.holder),
            self.data_class,
            instance._meta.db_table,  # noqa: SLF001
            instance.pk,
            self.column_name,
        )

    def bind_ciphertext(
        self, value: bytes | None, *, holder: UUID, row: UUID
    ) -> SealedValue | None:
        """
        Return the sealed value of bytes from `values_list`. With a wrong binding it does not
        open.
        """
        if value is None:
            return None
        table = self.model._meta.db_table  # noqa: SLF001
        return SealedValue(
            value[:], CiphertextBinding(holder, self.data_class, table, row, self.column_name)
        )

    @property
    def column_name(self) -> str:
        return cast("str", self.column)

    def get_default(self) -> None:
        return None

    # From and to the database.

    def from_db_value(self, value: bytes | None, *_: object) -> StoredCiphertext | None:
        return None if value is None else StoredCiphertext(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: ARG002, FBT001
        value = getattr(model_instance, self.attname)
        if isinstance(value, SealedValue) and value.binding != self.get_binding(model_instance):
            raise SealedAccessError(f"{self.name} was sealed for another place")
        return value

    def get_prep_value(self, value: object) -> bytes | None:
        if value is None:
            return None
        if not isinstance(value, SealedValue):
            raise SealedAccessError(f"{self.name} takes Sealed and nothing else")
        binding = value.binding
        if (binding.data_class, binding.table, binding.column) != (
            self.data_class,
            self.model._meta.db_table,  # noqa: SLF001
            self.column,
        ):
            raise SealedAccessError(f"{self.name} was sealed for another place")
        return value.ciphertext

    def get_db_prep_value(self, value: object, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002
        prepared_value = value if prepared else self.get_prep_value(value)
        return None if prepared_value is None else connection.Database.Binary(prepared_value)

    # Features of Django that would bypass the seal.

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "exact":
            return NullLookup
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is sealed: it cannot be searched by {lookup_name}")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Never:
        raise FieldError(f"{self.name} is sealed: it has no {lookup_name}")

    def value_to_string(self, obj: models.Model) -> Never:  # noqa: ARG002
        raise SealedAccessError(f"{self.name} is sealed: it is not dumped")

    def value_from_object(self, obj: models.Model) -> Any:
        return getattr(obj, self.attname)

    def to_python(self, value: object) -> Any:
        if value is not None and not isinstance(value, SealedValue | StoredCiphertext):
            raise SealedAccessError(f"{self.name} takes Sealed and nothing else")
        return value

    def formfield(self, **_: Any) -> None:
        return None

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        if not hasattr(self.model, self.holder) and self.holder not in {
            field.attname
            for field in self.model._meta.concrete_fields  # noqa: SLF001
        }:
            errors.append(
                checks.Error(
                    f"{self.name}: no attribute {self.holder}", obj=self, id="limited_use.E010"
                )
            )
        return errors
