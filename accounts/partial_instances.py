"""Model instances from some columns of a row, for statements without the ORM."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import connection, models

_Model = TypeVar("_Model", bound=models.Model)


def make_partial_instance(model: type[_Model], **values: Any) -> _Model:
    """
    Return a stored instance; Django reads every other column when it is asked for.

    :param values: by attribute, as the ORM would load them
    """
    fields = model._meta.concrete_fields  # noqa: SLF001 - Django's documented model API
    names = [field.attname for field in fields if field.attname in values]
    return model.from_db(connection.alias, names, [values[name] for name in names])
