"""Google's User Data Policy, section "Limited Use"."""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import Fact

from .clause_types import GOOGLE_DATA, LEGAL, SECURITY, ClauseDuty, PolicyClause

LIMITED_USE: tuple[PolicyClause, ...] = (
    PolicyClause(
        id="LU-SCOPE",
        says="What is derived from provider data, in sum or without names, is provider data.",
        source=GOOGLE_DATA,
        quote="data aggregated, anonymized, or derived from them",
        code=(
            "limited_use.policy.policy_evaluation.add_source_classes",
            "limited_use.policy.policy_evaluation.decide_derived",
        ),
    ),
    PolicyClause(
        id="LU-1",
        says="Data serves features that users see, and nothing else.",
        source=GOOGLE_DATA,
        quote="user-facing features that are prominent in the requesting application's user"
        " interface",
        facts=(Fact.FEATURE_REGISTERED,),
        code=("limited_use.policy.feature_registry.FEATURES",),
    ),
    PolicyClause(
        id="LU-2",
        says="Data goes to nobody else, with four exceptions.",
        source=GOOGLE_DATA,
        quote="Transfers of data are not allowed, except:",
    ),
    PolicyClause(
        id="LU-2.1",
        says="First exception: for a feature that users see, and with their consent.",
        source=GOOGLE_DATA,
        quote="only with the user's consent",
        facts=(
            Fact.CONSENT_CURRENT,
            Fact.DELEGATION_LIVE,
            Fact.SHARE_LIVE,
            Fact.NOTIFICATION_CHOSEN,
        ),
        code=("limited_use.agreements.consents.give",),
    ),
    PolicyClause(
        id="LU-2.2",
        says="Second exception: security, such as abuse. Not used: no such case can be opened.",
        source=GOOGLE_DATA,
        quote="For security purposes (for example, investigating abuse)",
    ),
    PolicyClause(
        id="LU-2.3",
        says="Third exception: the law. Not used: no such case can be opened.",
        source=GOOGLE_DATA,
        quote="To comply with applicable laws",
        duty=ClauseDuty(LEGAL, "Answers whoever demands data: nothing here can hand it out."),
    ),
    PolicyClause(
        id="LU-2.4",
        says="Fourth exception: a sale of the company, with explicit consent first. Not used.",
        source=GOOGLE_DATA,
        quote="after obtaining explicit prior consent from the user",
        duty=ClauseDuty(
            LEGAL, "Before a sale: asks every user, and disconnects whoever does not agree."
        ),
    ),
    PolicyClause(
        id="LU-3",
        says="No human reads the data, with four exceptions.",
        source=GOOGLE_DATA,
        quote="Don't allow humans to read the data, unless:",
    ),
    PolicyClause(
        id="LU-3.1",
        says="First exception: the user agreed that this very item is read.",
        source=GOOGLE_DATA,
        quote="affirmative agreement to view specific messages, files, or other data",
        facts=(Fact.ITEM_CONSENTED,),
    ),
    PolicyClause(
        id="LU-3.2",
        says="Second exception: security. Not used.",
        source=GOOGLE_DATA,
        quote="It is necessary for security purposes",
    ),
    PolicyClause(
        id="LU-3.3",
        says="Third exception: the law. Not used.",
        source=GOOGLE_DATA,
        quote="It is necessary to comply with applicable law",
    ),
    PolicyClause(
        id="LU-3.4",
        says="Fourth exception: sums for internal operations. Ours are counted from the ledger,"
        " which holds no content; nothing is opened to count.",
        source=GOOGLE_DATA,
        quote="aggregated and used for internal operations",
        code=("limited_use.guard.guard.decide_each_request",),
    ),
    PolicyClause(
        id="LU-4",
        says="Whatever is not allowed is prohibited.",
        source=GOOGLE_DATA,
        quote="All other transfers, uses, or sales of user data are prohibited",
        code=("limited_use.policy.policy_evaluation.ALL_ELSE",),
    ),
    PolicyClause(
        id="LU-4.1",
        says="Nothing goes to advertising platforms, brokers or resellers.",
        source=GOOGLE_DATA,
        quote="advertising platforms, data brokers, or any information resellers",
    ),
    PolicyClause(
        id="LU-4.2",
        says="Nothing serves advertising of any kind.",
        source=GOOGLE_DATA,
        quote="serving ads, including retargeting, personalized or interest-based advertising",
    ),
    PolicyClause(
        id="LU-4.3",
        says="Nothing decides about credit or loans.",
        source=GOOGLE_DATA,
        quote="to determine credit-worthiness or for lending purposes",
    ),
    PolicyClause(
        id="LU-5",
        says="Staff, agents, contractors and successors are held to all of this.",
        source=GOOGLE_DATA,
        quote="ensure that your employees, agents, contractors, and successors comply",
        duty=ClauseDuty(
            SECURITY,
            "Binds everybody with access to servers or keys in writing, keeps the list of them,"
            " and a register of processors, each with its clause.",
        ),
    ),
)
