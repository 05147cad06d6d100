"""What a template can do with what a sink opened: show it by `{% reveal %}`, and nothing else."""

from __future__ import annotations

import json

import pytest
from django.template import Context, Template, TemplateSyntaxError
from hypothesis import given
from hypothesis import strategies as st

from limited_use.sinks import template_values
from limited_use.sinks.template_values import (
    CONTEXT_KEY,
    HiddenValue,
    NotRevealed,
    RevealScope,
    TemplateItem,
)
from limited_use.vault.sealed import REFUSED_METHODS

CANARY = "CANARY-51c0"
VALUES = st.recursive(
    st.text() | st.binary() | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def render(text, value=CANARY, **more):
    """Render a template as a sink does, with `value` held under `row.subject`."""
    held = RevealScope()
    row = {"subject": held.hide_texts(value), "id": 7}
    return Template("{% load reveal %}" + text).render(
        Context({"row": row, CONTEXT_KEY: held, **more})
    )


@pytest.mark.invariant(2)
class TestReveal:
    def test_shows_what_was_opened(self):
        assert render("{% reveal row.subject %}") == CANARY

    def test_escapes_it(self):
        assert render("{% reveal row.subject %}", "<b>'\"&") == "&lt;b&gt;&#x27;&quot;&amp;"
        assert render('<p title="{% reveal row.subject %}">', '"><script>') == (
            '<p title="&quot;&gt;&lt;script&gt;">'
        )

    @given(st.text() | st.binary() | st.integers() | st.none())
    def test_writes_it_as_django_writes_a_variable(self, value):
        plain = Template("{{ value }}").render(Context({"value": value}))

        assert render("{% reveal row.subject %}", value) == plain

    def test_escapes_nothing_where_django_does_not(self):
        text = "{% autoescape off %}{% reveal row.subject %}{% endautoescape %}"

        assert render(text, "<b>&") == "<b>&"

    def test_escapes_nothing_twice(self):
        assert render("{% reveal row.subject|linebreaksbr %}", "<b>\n&") == "&lt;b&gt;<br>&amp;"

    def test_goes_through_filters_with_their_arguments(self):
        assert render("{% reveal row.subject|lower|slice:size %}", size="6") == "canary"
        assert render('{% reveal row.subject|default:"(none | at all)" %}', "") == "(none | at all)"

    def test_leaves_nothing_in_the_context(self):
        assert render("{% reveal row.subject %}|{{ revealed }}") == f"{CANARY}|"

    def test_shows_nothing_for_what_is_not_there(self):
        assert render("{% reveal row.other %}") == ""

    def test_needs_to_be_told_what(self):
        with pytest.raises(TemplateSyntaxError):
            render("{% reveal %}")

    def test_does_nothing_outside_the_rendering_of_a_sink(self):
        with pytest.raises(NotRevealed):
            Template("{% load reveal %}{% reveal row %}").render(Context({"row": CANARY}))

    def test_does_nothing_for_what_another_rendering_holds(self):
        other = RevealScope()

        with pytest.raises(NotRevealed):
            render("{% reveal stolen %}", stolen=other.hide_texts(CANARY))

    def test_cannot_be_had_by_naming_what_holds_it(self):
        with pytest.raises(TemplateSyntaxError):
            render("{{ _showing }}")


WRONG = {
    "plainly": "{{ row.subject }}",
    "in an attribute": '<p title="{{ row.subject }}">',
    "in the address of a link": '<a href="/x?q={{ row.subject|urlencode }}">',
    "as safe": "{{ row.subject|safe }}",
    "through a filter": "{{ row.subject|upper }}",
    "with a default": "{{ row.subject|default:'x' }}",
    "by its length": "{{ row.subject|length }}",
    "by a slice": "{{ row.subject|slice:':3' }}",
    "as yes or no": "{{ row.subject|yesno }}",
    "joined": "{{ row.subject|join:',' }}",
    "as JSON": "{{ row.subject|json_script:'x' }}",
    "under if": "{% if row.subject %}x{% endif %}",
    "under for": "{% for letter in row.subject %}{{ letter }}{% endfor %}",
    "by a member": "{{ row.subject.upper }}",
    "by its place": "{{ row.subject.0 }}",
    "under with": "{% with s=row.subject %}{{ s }}{% endwith %}",
    "with its row": "{{ row|json_script:'x' }}",
    "unescaped": "{% autoescape off %}{{ row.subject }}{% endautoescape %}",
    "in a text": "{% filter upper %}{{ row.subject }}{% endfilter %}",
    "in the argument of a filter": "{{ row.id|add:row.subject|default:row.subject }}",
}


@pytest.mark.invariant(2)
class TestATemplate:
    @pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
    def test_that_shows_it_otherwise_fails(self, text):
        # TypeError: an encoder that does not know what it is.
        with pytest.raises((NotRevealed, TypeError)):
            render(text)

    @pytest.mark.parametrize(
        "text",
        [
            "{% if row.subject == 'CANARY-51c0' %}CANARY{% endif %}",
            "{% if 'CANARY' in row.subject %}CANARY{% endif %}",
            "{% if row.subject and row.id %}CANARY{% endif %}",
            "{{ row.subject|pprint }}",
            "{{ row }}",
        ],
    )
    def test_that_asks_about_it_learns_nothing(self, text):
        # Django takes an error in a comparison for "no", and prints members by their repr.
        assert "CANARY" not in render(text)


@pytest.mark.invariant(2)
class TestHeld:
    @pytest.fixture
    def held(self):
        return RevealScope().hide_texts(CANARY)

    @pytest.mark.parametrize("name", REFUSED_METHODS)
    def test_refuses_what_sealed_data_refuses(self, held, name):
        with pytest.raises(NotRevealed):
            getattr(held, name)()

    def test_is_printed_as_a_constant_and_is_no_text(self, held):
        assert repr(held) == "<HiddenValue>"
        assert held != CANARY
        assert not isinstance(held, str)
        assert {held: 1}[held] == 1

    def test_does_not_change(self, held):
        with pytest.raises(NotRevealed):
            held._place = 0

    def test_is_not_written_to_json(self, held):
        with pytest.raises((NotRevealed, TypeError)):
            json.dumps({"held": held})
        with pytest.raises(NotRevealed):
            json.dumps({"held": held}, default=str)


@pytest.mark.invariant(2)
class TestShowing:
    @given(VALUES)
    def test_gives_back_what_it_holds(self, value):
        one = RevealScope()

        assert one.reveal_texts(one.hide_texts(value)) == value

    @given(VALUES)
    def test_leaves_no_text_in_what_it_hands_out(self, value):
        def texts(found):
            if isinstance(found, dict):
                return [text for inner in found.values() for text in texts(inner)]
            if isinstance(found, list):
                return [text for inner in found for text in texts(inner)]
            return [found] if isinstance(found, str | bytes) else []

        assert texts(RevealScope().hide_texts(value)) == []

    def test_has_nothing_any_more_once_it_ended(self):
        one = RevealScope()
        held = one.hide_texts(CANARY)

        one.end_scope()

        assert isinstance(held, HiddenValue)
        with pytest.raises(NotRevealed):
            one.reveal_texts(held)
        with pytest.raises(NotRevealed):
            one.hide_texts(CANARY)


@pytest.mark.invariant(2)
class TestRendered:
    @pytest.fixture(autouse=True)
    def _template(self, settings, tmp_path):
        (tmp_path / "list.html").write_text(
            "{% load reveal %}{% for x in items %}{{ x.words }}={% reveal x.subject %};{% endfor %}"
        )
        backend = "django.template.backends.django.DjangoTemplates"
        settings.TEMPLATES = [{"BACKEND": backend, "DIRS": [tmp_path], "APP_DIRS": True}]

    def rendered(self, made):
        return template_values.render_template(
            "list.html", made, context={}, under="items", request=None
        )

    def test_uses_what_is_said_to_be_clear_as_it_is(self):
        made = [TemplateItem({"words": "ours"}, {"subject": CANARY})]

        assert self.rendered(made) == f"ours={CANARY};".encode()

    def test_holds_every_text_of_a_shape_that_says_nothing(self):
        with pytest.raises(NotRevealed):
            self.rendered([{"words": "ours", "subject": CANARY}])
