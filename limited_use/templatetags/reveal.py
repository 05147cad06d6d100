"""`{% reveal value|filter %}`: the only way for a template to show values that a sink opened."""

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
    """:param filter_expression: filters applied to the variable `revealed`; None without filters"""

    child_nodelists = ()

    def __init__(
        self, variable: FilterExpression, filter_expression: FilterExpression | None
    ) -> None:
        self.variable = variable
        self.filter_expression = filter_expression

    def render(self, context: Context) -> str:
        """:raises NotRevealed:"""
        scope = context.get(CONTEXT_KEY)
        if not isinstance(scope, RevealScope):
            raise NotRevealed("no sink renders this page")
        value = scope.reveal_texts(self.variable.resolve(context))
        if self.filter_expression is not None:
            # Only for the filters, which need text.
            with context.push(revealed=value):
                value = self.filter_expression.resolve(context)
        return _render_value(value, context)


def _render_value(value: Any, context: Context) -> str:
    # Most values are plain text; Django escapes the same characters, but slower.
    if type(value) is str and context.autoescape:
        return html.escape(value)
    return render_value_in_context(value, context)


@register.tag
def reveal(parser: Parser, token: Token) -> RevealNode:
    _, _, expression = token.contents.partition(" ")
    name, bar, filters = expression.strip().partition("|")
    if not name:
        raise template.TemplateSyntaxError("reveal what?")
    filter_expression = parser.compile_filter(f"revealed|{filters}") if bar else None
    return RevealNode(parser.compile_filter(name), filter_expression)
