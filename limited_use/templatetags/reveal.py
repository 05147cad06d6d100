"""`{% reveal value|filter %}`: the one way by which a template shows what a sink opened."""

from __future__ import annotations

import html
from typing import Any

from django import template
from django.template.base import (
    FilterExpression,
    Node,
    Parser,
    Token,
    render_value_in_context,
)
from django.template.context import Context

from limited_use.sinks.template_values import CONTEXT_KEY, NotRevealed, RevealScope

register = template.Library()


class RevealNode(Node):
    """
    Show a held value, through filters, escaped as any other.

    :param shown: the filters, applied to the variable `revealed`; None if there are none
    """

    child_nodelists = ()

    def __init__(
        self, variable: FilterExpression, filter_expression: FilterExpression | None
    ) -> None:
        self.held = variable
        self.shown = filter_expression

    def render(self, context: Context) -> str:
        """
        Return the value's text.

        :raises StillHeld: outside the rendering of a sink
        """
        scope = context.get(CONTEXT_KEY)
        if not isinstance(scope, RevealScope):
            raise NotRevealed("no sink renders this page")
        value = scope.reveal_texts(self.held.resolve(context))
        if self.shown is not None:
            # For the filters, which see text, and for nothing else.
            with context.push(revealed=value):
                value = self.shown.resolve(context)
        return _render_value(value, context)


def _render_value(value: Any, context: Context) -> str:
    """Return a value as Django's ``{{ … }}`` writes it."""
    # Most values are plain text, of which Django escapes no other characters, but slower.
    if type(value) is str and context.autoescape:
        return html.escape(value)
    return render_value_in_context(value, context)


@register.tag
def reveal(parser: Parser, token: Token) -> RevealNode:
    """Return the node of `{% reveal name.of.it|filter:argument %}`."""
    _, _, expression = token.contents.partition(" ")
    name, bar, filters = expression.strip().partition("|")
    if not name:
        raise template.TemplateSyntaxError("reveal what?")
    filter_expression = parser.compile_filter(f"revealed|{filters}") if bar else None
    return RevealNode(parser.compile_filter(name), filter_expression)
