"""Split texts that mark names of the API with backticks. The template escapes the parts."""

from __future__ import annotations

from dataclasses import dataclass

from django import template

register = template.Library()


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str
    is_code: bool


@register.filter
def code_parts(text: object) -> list[TextPart]:
    """Return the parts between backticks as code."""
    return [
        TextPart(part, bool(index % 2)) for index, part in enumerate(str(text).split("`")) if part
    ]


@register.filter
def paragraphs(text: object) -> list[str]:
    return [paragraph for paragraph in str(text).split("\n\n") if paragraph.strip()]
