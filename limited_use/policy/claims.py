"""
Claims: sentences that state a fact about data, on a page, in a mail or in a receipt. Pure.

Every claim has a test, marked ``@pytest.mark.claim(id)`` (`tests/test_claims.py`). Templates use
``{% claim "id" %}…{% endclaim %}``.
"""

from __future__ import annotations


def claim(claim_id: str, sentence: str) -> str:  # noqa: ARG001 - read from the source code
    """
    Return `sentence`. Tests and evidence read both arguments from the source code.

    :param claim_id: a literal, such as `"receipt.revocation-confirmed"`; at most 40 characters
    :param sentence: literals and constants of the same module, joined by `+`
    """
    return sentence
