"""`{% claim "id" %}…{% endclaim %}`: a sentence about data. See `limited_use.policy.claims`."""

from __future__ import annotations

import re

from django import template
from django.template.base import Node, NodeList, Parser, Token
from django.template.context import Context

register = template.Library()
_ID = re.compile(r'"[a-z0-9.-]{1,40}"')


class ClaimNode(Node):
    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        return self.nodelist.render(context)


@register.tag
def claim(parser: Parser, token: Token) -> ClaimNode:
    """:raises TemplateSyntaxError: if the id is missing or not a literal"""
    _, *arguments = token.split_contents()
    if len(arguments) != 1 or not _ID.fullmatch(arguments[0]):
        raise template.TemplateSyntaxError(
            'a claim needs one id, such as {% claim "disconnect.tokens-destroyed" %}'
        )
    nodelist = parser.parse(("endclaim",))
    parser.delete_first_token()
    return ClaimNode(nodelist)
