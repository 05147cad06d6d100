"""Each sentence about data has an id, and a test that fails when the sentence is false."""

from __future__ import annotations

import re

import pytest
from django.template import TemplateSyntaxError, engines

from integrations.review.evidence import claim_register
from integrations.review.evidence.claim_register import InvalidClaim
from tests import bound_tests, unclaimed
from tests import unclaimed_exceptions as exceptions
from tests.unclaimed import Sentence


def render(source, **context):
    return engines["django"].from_string(source).render(context)


def map_bound_tests():
    """Return the tests of each claim id that a marker names."""
    return {
        one.id: tests
        for one, tests in bound_tests.find_bound_tests().items()
        if one.marker == "claim"
    }


class TestEveryClaim:
    def test_has_a_test(self):
        assert {
            claim.id for claim in claim_register.collect_claims()
        } - map_bound_tests().keys() == set()

    def test_is_the_one_that_its_tests_name(self):
        known = {claim.id for claim in claim_register.collect_claims()}

        assert {one: tests for one, tests in map_bound_tests().items() if one not in known} == {}

    def test_has_an_id_of_its_own(self):
        sentences: dict[str, set[str]] = {}
        for claim in claim_register.collect_claims():
            sentences.setdefault(claim.id, set()).add(claim.source)

        assert {one: said for one, said in sentences.items() if len(said) > 1} == {}

    def test_has_an_id_that_the_test_results_can_hold(self):
        assert [
            c.id
            for c in claim_register.collect_claims()
            if not re.fullmatch(r"[a-z0-9.-]{1,40}", c.id)
        ] == []


class TestTheTag:
    def test_renders_its_content_as_it_is(self):
        source = (
            '{% claim "a.b-1" %}<b>{{ name }}</b>'
            "{% if name %} is {{ name|upper }}{% endif %}.{% endclaim %}"
        )

        assert render(source, name="<i>") == "<b>&lt;i&gt;</b> is &lt;I&gt;."
        assert render(source.replace("{{ name }}", "{{ name|safe }}"), name="x") == "<b>x</b> is X."

    def test_obeys_autoescape_as_mail_needs(self):
        source = '{% autoescape off %}{% claim "a" %}{{ name }}{% endclaim %}{% endautoescape %}'

        assert render(source, name="O'Brien") == "O'Brien"

    @pytest.mark.parametrize(
        "tag", ["claim", "claim a", 'claim "A"', 'claim "a" "b"', "claim 'a'", 'claim ""']
    )
    def test_needs_one_literal_id(self, tag):
        with pytest.raises(TemplateSyntaxError, match="needs one id"):
            render(f"{{% {tag} %}}x{{% endclaim %}}")


class TestTheRegister:
    def test_reads_claims_of_a_template_as_people_see_them(self):
        source = (
            '<p>{# {% claim "no" %}x{% endclaim %} #}{% claim "one" %}<b>All</b>\n of'
            " {{ what|upper }} is <a href=\"{% url 'x' %}\">removed</a>.{% endclaim %}"
            ' {% claim "two" %}&amp; kept.{% endclaim %}'
        )

        found = [(c.id, c.sentence) for c in claim_register.read_template(source, "t.html")]

        assert found == [("one", "All of {what} is removed."), ("two", "& kept.")]

    def test_reads_claims_of_a_module(self):
        source = (
            "from limited_use.policy.claims import claim\n"
            "_END = ' It ends.'\n"
            "SAYS: dict = {1: claim('one', 'It is' ' kept.' + _END)}\n"
            "def words(days): return claim('two', f'{days} days')\n"
        )

        found = [(c.id, c.sentence) for c in claim_register.read_module(source, "m.py")]

        assert found == [("one", "It is kept. It ends."), ("two", "{days} days")]

    @pytest.mark.parametrize("call", ["claim(name, 'x')", "claim('a')", "claim('a', text())"])
    def test_refuses_what_it_cannot_read(self, call):
        with pytest.raises(InvalidClaim, match=r"m\.py:1"):
            list(claim_register.read_module(call, "m.py"))


class TestASentenceWithoutAnId:
    def test_is_no_claim_or_is_listed_with_a_reason(self):
        """Give it an id and a test; see CONTRIBUTING.md."""
        found = {s for s in unclaimed.find_unclaimed() if not s.path.startswith(files())}

        assert sorted(found - list_excepted_sentences()) == []

    def test_is_listed_only_as_long_as_it_is_there(self):
        everything = set(unclaimed.find_unclaimed())

        assert sorted(list_excepted_sentences() - everything) == []
        assert [
            name for name in files() if not any(s.path.startswith(name) for s in everything)
        ] == []

    @pytest.mark.parametrize(
        "source",
        [
            "<p>Your mail is removed within an hour.</p>",
            "<li>{{ count }} messages are <strong>gone</strong>.</li>",
            '{% claim "a" %}It is read.{% endclaim %} <p>Nobody sees it.</p>',
            "{% if x %}Nothing is kept{% else %}All of it is kept{% endif %} of you.",
        ],
    )
    def test_is_found_in_a_template(self, source):
        assert list(unclaimed.read_template(source))

    @pytest.mark.parametrize(
        "source",
        [
            '{% claim "a" %}Your mail is removed.{% endclaim %}',
            "{# Your mail is removed. #}{% comment %}It is kept.{% endcomment %}",
            '<button>Remove all of it</button><a class="button" href="{% url \'x\' %}">Keep it</a>',
            "<p>Your mail is at the provider.</p>",
        ],
    )
    def test_is_not_seen_where_there_is_none(self, source):
        assert list(unclaimed.read_template(source)) == []

    def test_is_found_in_code(self):
        source = (
            '"""Nobody reads it."""\n'
            "SAYS = {1: 'It is' ' removed. Keep it.', 2: claim('a', 'It is kept.')}\n"
            "def words(n):\n"
            "    '''It is removed.'''\n"
            "    logger.info('It was removed.')\n"
            "    raise Bad('It was removed.')\n"
            "def told(n): return f'{n} messages were deleted.'\n"
            "SQL = 'DELETE FROM kept WHERE removed'\n"
        )

        assert list(unclaimed.read_module(source)) == [
            "It is removed.", "Keep it.", "{…} messages were deleted."
        ]  # fmt: skip


def list_excepted_sentences():
    """Return every sentence that is listed with a reason."""
    return {
        Sentence(path, text)
        for files_of_reason in exceptions.NO_CLAIM.values()
        for path, texts in files_of_reason.items()
        for text in texts
    }


def files():
    return tuple(exceptions.OTHER_FILES)
