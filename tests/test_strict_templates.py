"""An unknown variable in one of our templates fails the test that renders it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Origin, Template, engines

from tests.strict_templates import ALLAUTH_ELEMENTS, UnknownVariable, is_ours


def render(source, context, *, path="templates/inbox/made-up.html"):
    """Render `source` as if it stood in the file at `path`."""
    origin = Origin(name=str(settings.BASE_DIR / path))
    return Template(source, origin, engine=engines["django"].engine).render(Context(context))


class TestOurTemplates:
    @pytest.mark.parametrize(
        "source",
        [
            "{{ mesage }}",
            "{{ message.subjct }}",
            "{{ message.subject.0.name }}",
            "{{ mesage|default:'(none)' }}",
            "{{ message.subject|default:fallback }}",
            "{% if mesage %}yes{% endif %}",
            "{% if not mesage %}no{% endif %}",
            "{% if message.is_unread and message.subject %}yes{% endif %}",
            "{% if message.subject == mesage %}yes{% endif %}",
            "{% if '1' in mesage %}yes{% else %}no{% endif %}",
            "{% for one in mesages %}x{% endfor %}",
            "{% for one in message.parts %}x{% empty %}none{% endfor %}",
            "{% with subject=message.subjct %}{% endwith %}",
            "{% firstof mesage 'none' %}",
            "{% url 'inbox-thread' mesage %}",
            "{% load reveal %}{% reveal message.subjct %}",
        ],
    )
    def test_fail_for_an_unknown_variable(self, source):
        context = {"message": {"subject": "Hello"}}
        if "reveal" in source:
            from limited_use.sinks.template_values import CONTEXT_KEY, RevealScope

            context[CONTEXT_KEY] = RevealScope()

        with pytest.raises(UnknownVariable) as caught:
            render(source, context)

        assert "templates/inbox/made-up.html" in str(caught.value)

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("{{ message.subject }}", "Hello"),
            ("{{ message.sender|default:'unknown' }}", "unknown"),
            ("{% if message.sender %}yes{% else %}no{% endif %}", "no"),
            ("{% for label in message.labels %}x{% empty %}none{% endfor %}", "none"),
            ("{% for label in 'ab' %}{{ label }}{{ forloop.counter }}{% endfor %}", "a1b2"),
        ],
    )
    def test_render_known_variables_that_are_empty(self, source, text):
        message = {"subject": "Hello", "sender": None, "labels": []}

        assert render(source, {"message": message}) == text

    def test_are_the_files_of_this_repository(self):
        ours = [*Path(settings.BASE_DIR / "templates").rglob("*.html")]
        strict = [path for path in ours if is_ours(Origin(name=str(path)))]

        assert len(strict) > 80
        assert {path for path in ours if path not in strict} == {
            *Path(settings.BASE_DIR / ALLAUTH_ELEMENTS).glob("*.html")
        }


class TestOtherTemplates:
    @pytest.mark.parametrize(
        "path",
        [
            ".venv/lib/python3/site-packages/allauth/templates/account/login.html",
            "/usr/lib/python3/dist-packages/allauth/templates/account/login.html",
            f"{ALLAUTH_ELEMENTS}/button.html",
        ],
    )
    def test_render_an_unknown_variable_as_django_does(self, path):
        source = "[{{ missing }}{% if missing %}yes{% endif %}{{ missing|default:'none' }}]"

        assert render(source, {}, path=path) == "[none]"
