"""Which markup is cheap enough to be parsed, and that little markup is counted in the same way."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integrations.formats.mime import html_bounds
from integrations.formats.mime.html_bounds import MAX_ATTRIBUTES, MAX_DEPTH, is_within_bounds

PIECES = st.sampled_from(
    [
        "<p>", "</p>", "<p", ">", "<", "<font a=b>", "</font>", "<!-- a b -->", "< ", "text ",
        " a=b" * 150, " a" * (MAX_ATTRIBUTES + 1), ' a="b c d"' * 60, "'", '"', "word " * 300,
        "<br>", "<1", "/", "<b><i>", "<\u00e9 ",
    ]
)  # fmt: skip


def count_all(html: str, monkeypatch) -> bool:
    """Return the answer of the count that much markup takes."""
    with monkeypatch.context() as patch:
        patch.setattr(html_bounds, "_FEW_TAGS", -1)
        return is_within_bounds(html)


@pytest.mark.invariant(13)
class TestLittleMarkup:
    @given(html=st.lists(PIECES, max_size=25).map("".join))
    @example(html="<\u00e9" + " a" * (MAX_ATTRIBUTES + 1))
    def test_is_judged_as_much_markup_is(self, html):
        with pytest.MonkeyPatch.context() as monkeypatch:
            assert is_within_bounds(html) == count_all(html, monkeypatch)

    def test_may_have_any_words_and_comments(self):
        words = "word " * 1_000

        assert is_within_bounds(f"{words}<p>{words}</p><!-- {words} -->{words}")

    def test_with_a_tag_of_too_many_attributes_is_too_costly(self):
        assert is_within_bounds("<p" + " a=b" * MAX_ATTRIBUTES + ">")
        assert not is_within_bounds("<p" + " a=b" * (MAX_ATTRIBUTES + 1) + ">")


@pytest.mark.invariant(13)
class TestMuchMarkup:
    def test_may_be_as_deep_as_the_bound(self):
        assert is_within_bounds("<div>" * MAX_DEPTH)
        assert not is_within_bounds("<div>" * (MAX_DEPTH + 1))

    def test_may_be_long(self):
        assert is_within_bounds("<p>x</p>" * 50_000)
