"""Every problem type that the API can answer with, by code: what its page explains."""

from __future__ import annotations

from typing import Final

from integrations.problems import PROBLEMS, Problem
from limited_use.claims import claim

# What is said before any operation is reached, or by the policy.
_EDGE: Final[tuple[Problem, ...]] = (
    Problem(
        403,
        "limited-use-refused",
        "Provider data is not used for this purpose.",
        claim(
            "problem.refused",
            "The policy refuses this use. The answer names the rule, the clauses it comes from and"
            " the entry in the ledger where the refusal is recorded.",
        ),
    ),
    Problem(
        404,
        "not-found",
        "There is nothing here.",
        "It does not exist, or it is not yours: the answer is the same for both.",
    ),
    Problem(
        401,
        "not-authenticated",
        "Nobody is signed in.",
        "Sign in, or send a valid access token.",
    ),
    Problem(
        403,
        "not-permitted",
        "That is not allowed.",
        "Your role does not allow it, a second factor is missing, or the form was not ours.",
    ),
    Problem(
        403,
        "second-factor-needed",
        "Staff need a second factor in this session.",
        "Set one up, or show it, on the account pages; then call again.",
    ),
    Problem(
        403,
        "reauthentication-needed",
        "Please confirm that it is you.",
        "Confirm on the account pages (with your second factor, if you have set one up), then call"
        " again within a few minutes.",
    ),
    Problem(
        500,
        "unexpected",
        "Something went wrong on our side.",
        "We have been told. Name the request id if you ask about it.",
    ),
    Problem(
        405,
        "method-not-allowed",
        "This address does not answer that method.",
        "The OpenAPI document lists the methods of each address.",
    ),
    Problem(
        413,
        "too-large",
        "The body is too large.",
        "`detail` names the largest body of this address, in bytes. Nothing was done.",
    ),
    Problem(
        408,
        "too-slow",
        "The body did not arrive in time.",
        "Send it again, without pauses.",
        retry_after=1,
    ),
    Problem(
        429,
        "rate-limited",
        "Too many requests.",
        "Wait for as long as Retry-After says.",
    ),
    Problem(
        428,
        "if-match-needed",
        "It was not said which version is meant.",
        claim(
            "problem.if-match",
            "Read the event, and send its ETag as If-Match: nothing is written over what nobody"
            " saw.",
        ),
    ),
    Problem(
        400,
        "bad-request",
        "The request was not understood.",
        "A parameter is unknown, repeated or out of bounds: `errors` says which. Without them, the"
        " body is no JSON, or more of it than any question here takes.",
    ),
)

EXPLAINED: Final[dict[str, Problem]] = {
    problem.code: problem for problem in (*PROBLEMS.values(), *_EDGE)
}
