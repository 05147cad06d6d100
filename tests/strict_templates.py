"""
Django's templates, in which an unknown variable is an error instead of an empty text.

Tests use this backend (`config.settings_test`). The service itself renders an unknown variable
as Django does, also where a test starts it as a process or drives it by a browser.

Only our own templates are strict. Those of Django, allauth and other packages rely on unknown
variables, and so may a template that is made from a string. So do our variants of allauth's
elements: ``{% element %}`` passes only the attributes that its caller wrote.

In our templates every name must exist that is used in ``{{ … }}``, in a tag (``{% if %}``,
``{% for %}``, ``{% url %}``) or as the argument of a filter; ``|default`` is no excuse. Five
things are not noticed:

- a name in a part that no test renders, such as the branch of an ``{% if %}`` that is not taken
  (`test_template_names` compares these with the names that the code defines);
- a name on the right of ``and`` or ``or`` while the left decides;
- ``{{ row.field }}`` where `row` is a dictionary-like object that answers for every key;
- a method that needs arguments or alters data, and an object that the database does not have:
  Django renders them as an empty text;
- a name that tags of other packages look up in the context by themselves.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template import base
from django.template.backends.django import DjangoTemplates
from django.template.base import VariableDoesNotExist

ALLAUTH_ELEMENTS = "templates/allauth/elements"
# Names that a view of another package gives only where they are true, by template.
ONLY_WHERE_TRUE = {"account/password_reset_from_key.html": {"token_fail"}}


class UnknownVariable(BaseException):
    """
    A template of ours uses a name that its context does not have.

    Not an `Exception`: ``{% if %}`` and the pages for errors would swallow it.
    """


class StrictVariable(base.Variable):
    """A variable that has to exist, and knows the template that it was read from."""

    def __init__(self, name: str, origin: Any) -> None:
        super().__init__(name)
        self.origin = origin

    def resolve(self, context: Any) -> Any:
        try:
            return super().resolve(context)
        except VariableDoesNotExist as error:
            # Not the whole message: it quotes the context, which holds content.
            problem = f"{self.origin}: there is no {error.params[0]!r} in {self.var!r}"
            # A sink tells of an error by its type alone: pytest shows this beside it.
            sys.stderr.write(f"{problem}\n")
            raise UnknownVariable(problem) from None


class StrictExpression(base.FilterExpression):
    """A variable with its filters; strict in our templates."""

    def __init__(self, token: str, parser: base.Parser) -> None:
        super().__init__(token, parser)
        if is_ours(parser.origin):
            self.var = strict(self.var, parser.origin)
            self.filters = [
                (function, [(is_name, strict(value, parser.origin)) for is_name, value in values])
                for function, values in self.filters
            ]


def strict(value: Any, origin: Any) -> Any:
    """Return a variable that has to exist instead of one that need not; texts stay."""
    if not isinstance(value, base.Variable):
        return value
    need_not_exist = ONLY_WHERE_TRUE.get(origin.template_name, ())
    return value if value.var in need_not_exist else StrictVariable(value.var, origin)


class StrictTemplates(DjangoTemplates):
    """The backend for tests. No template has been read before it is made."""

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__(params)
        base.FilterExpression = StrictExpression


def is_ours(origin: Any) -> bool:
    """Return whether a template comes from our folder, and is not an element of allauth."""
    path = Path(getattr(origin, "name", None) or "/")
    root = settings.BASE_DIR
    is_in_repository = path.is_relative_to(root / "templates")
    return is_in_repository and not path.is_relative_to(root / ALLAUTH_ELEMENTS)
