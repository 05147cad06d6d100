"""
Claims: sentences that state a fact about data, on a page, in a mail or in a receipt. Pure.

Every claim has a test, marked ``@pytest.mark.claim(id)`` (`tests/test_claims.py`). Templates use
``{% claim "id" %}…{% endclaim %}``.
"""

from __future__ import annotations

from typing import TypeVar

#: A text, or a lazy translation of one.
_Sentence = TypeVar("_Sentence")


def claim(claim_id: str, sentence: _Sentence) -> _Sentence:  # noqa: ARG001 - read from the source
    """
    Return `sentence`. Tests and evidence read both arguments from the source code.

    :param claim_id: a literal, such as `"receipt.revocation-confirmed"`; at most 40 characters
    :param sentence: literals and constants of the same module, joined by `+`; marked for
        translation by `_(…)`, with `%(name)s` for each value
    """
    return sentence
