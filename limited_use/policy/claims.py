"""
Claims: sentences on pages, in mails or receipts that state a fact about data. Pure.

Each claim id has a test, marked ``@pytest.mark.claim(id)``, that fails when the sentence is false
(`tests/test_claims.py`). Templates use ``{% claim "id" %}…{% endclaim %}``.
"""

from __future__ import annotations


def claim(claim_id: str, sentence: str) -> str:  # noqa: ARG001 - read from the source code
    """
    Return `sentence`. Tests and evidence read both arguments from the source code.

    :param claim_id: a literal, such as `"receipt.revocation-confirmed"`; at most 40 characters
    :param sentence: a literal, or literals joined by `+`; constants of the same module may occur
    """
    return sentence
