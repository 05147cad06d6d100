"""Texts that a mail merge makes of one template are recognised; others are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.mail.sending.proposal_template import normalise_template

pytestmark = [pytest.mark.clause("AN-11"), pytest.mark.invariant(15)]

BOB = "bob.muller"
CAROL = "carol"
SUBJECT = "Your order"
TEXT = "Hi Bob, your order 4711 is at https://shop.example/4711. Write to sales@shop.example!"


def normalise(text: str, *names: str, subject: str = SUBJECT) -> str:
    return normalise_template(subject, text, names)


class TestTemplate:
    def test_is_the_same_for_another_recipient(self):
        assert normalise(TEXT.replace("Bob", "Carol"), CAROL) == normalise(TEXT, BOB)
        assert normalise(TEXT.replace("Bob", "M\u00fcller"), BOB) == normalise(TEXT, BOB)

    @pytest.mark.parametrize(
        "other",
        [
            TEXT.replace("4711", "12"),
            TEXT.upper(),
            TEXT.replace(" ", "\n\t "),
            TEXT.replace(",", " \u2013 ").replace("!", "."),
            TEXT.replace("sales@shop", "info+7@other"),
            TEXT.replace("https://shop.example/4711", "www.other.example/x?y=z"),
            TEXT.replace("order", "or\u200bder"),
            TEXT.replace("order", "\uff4f\uff52\uff44\uff45\uff52"),
            TEXT.replace("order", "o\u0301rder"),
            TEXT.replace("Bob ", "Bob.M\u00fcller "),
        ],
    )
    def test_is_the_same_for_what_differs_in_each_copy(self, other):
        assert normalise(other, BOB) == normalise(TEXT, BOB)

    @pytest.mark.parametrize(
        "other",
        [TEXT + " Buy more.", TEXT.replace("order", "invoice"), "", "Hello"],
    )
    def test_differs_for_another_text(self, other):
        assert normalise(other, BOB) != normalise(TEXT, BOB)

    def test_differs_for_another_subject(self):
        assert normalise(TEXT, BOB, subject="Invoice") != normalise(TEXT, BOB)

    def test_of_another_name_than_the_recipients_is_another_text(self):
        # What the hash cannot know: a text that is written for each person.
        assert normalise(TEXT.replace("Bob", "Zoe"), BOB) != normalise(TEXT, BOB)

    @given(
        name=st.text(
            st.characters(categories=["Lu", "Ll"], codec="ascii"), min_size=2, max_size=12
        ),
        number=st.integers(min_value=0, max_value=10**12),
    )
    def test_is_the_same_for_any_name_and_number(self, name, number):
        if name.casefold() in {"hi", "your", "order", "is", "at", "write", "to", "link", "address"}:
            return
        merged = f"Hi {name}, your order {number} is here."

        assert normalise(merged, name) == normalise("Hi Bob, your order 1 is here.", BOB)

    @given(st.text(max_size=300))
    def test_of_a_template_is_itself(self, text):
        template = normalise_template("", text, ())

        # Marks of links and addresses are words of their own.
        assert normalise_template("", template, ()).split() == template.casefold().split()
