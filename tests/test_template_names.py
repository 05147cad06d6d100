"""Every name in a template of ours is defined somewhere, also in parts that no test renders."""

from __future__ import annotations

from tests import template_names

#: Names that Django's forms, messages and template engine define.
OF_DJANGO = frozenset(
    {
        "auto_id", "choice_label", "forloop", "hidden_fields", "id_for_label", "is_authenticated",
        "level_tag", "non_field_errors", "super", "visible_fields", "widget_type",
    }
)  # fmt: skip
#: Names that django-allauth passes to the templates that we replace.
OF_ALLAUTH = frozenset(
    {
        "is_mfa_enabled", "js_data", "reauthentication_alternatives", "redirect_field",
        "token_fail", "webauthn_form",
    }
)  # fmt: skip
#: The code makes flags of this form from other names: whether an event has a title, a place, …
FLAG = "has_"


def list_templates():
    paths = [*template_names.TEMPLATES.rglob("*.html"), *template_names.TEMPLATES.rglob("*.txt")]
    return sorted(path for path in paths if not path.is_relative_to(template_names.ELEMENTS))


def test_templates_use_defined_names():
    defined = template_names.find_defined_names(list_templates())
    known = defined | {f"{FLAG}{name}" for name in defined} | OF_DJANGO | OF_ALLAUTH
    unknown = {
        str(path.relative_to(template_names.TEMPLATES)): names
        for path in list_templates()
        if (names := sorted(template_names.find_names(path) - known))
    }

    assert unknown == {}
