"""Google's User Data Policy, section "Limited Use"."""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import Fact

from .clause_types import GOOGLE_DATA, LEGAL, SECURITY, ClauseDuty, PolicyClause

LIMITED_USE: tuple[PolicyClause, ...] = (
    PolicyClause(
        id="LU-SCOPE",
        says=(
            "Data that is derived from provider data, aggregated or anonymised, counts as"
            " provider data."
        ),
        source=GOOGLE_DATA,
        quote="data aggregated, anonymized, or derived from them",
        code=(
            "limited_use.policy.policy_evaluation.add_source_classes",
            "limited_use.policy.policy_evaluation.decide_derived",
        ),
    ),
    PolicyClause(
        id="LU-1",
        says="Data serves only features that users see.",
        source=GOOGLE_DATA,
        quote="user-facing features that are prominent in the requesting application's user"
        " interface",
        facts=(Fact.FEATURE_REGISTERED,),
        code=("limited_use.policy.feature_registry.FEATURES",),
    ),
    PolicyClause(
        id="LU-2",
        says="Data is not transferred to others, with four exceptions.",
        source=GOOGLE_DATA,
        quote="Transfers of data are not allowed, except:",
    ),
    PolicyClause(
        id="LU-2.1",
        says="First exception: for a feature that users see, with their consent.",
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
        says=(
            "Second exception: security, such as investigating abuse. Antares does not use it:"
            " no such case can be opened."
        ),
        source=GOOGLE_DATA,
        quote="For security purposes (for example, investigating abuse)",
    ),
    PolicyClause(
        id="LU-2.3",
        says=(
            "Third exception: applicable law. Antares does not use it: no such case can be opened."
        ),
        source=GOOGLE_DATA,
        quote="To comply with applicable laws",
        duty=ClauseDuty(
            LEGAL, "Answers demands for data. The service has no function that hands out data."
        ),
    ),
    PolicyClause(
        id="LU-2.4",
        says=(
            "Fourth exception: a sale of the company, with prior explicit consent. Antares does"
            " not use it."
        ),
        source=GOOGLE_DATA,
        quote="after obtaining explicit prior consent from the user",
        duty=ClauseDuty(
            LEGAL,
            "Before a sale: asks every user for consent, and disconnects the users who do not"
            " agree.",
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
        says="First exception: the user agreed that this item may be read.",
        source=GOOGLE_DATA,
        quote="affirmative agreement to view specific messages, files, or other data",
        facts=(Fact.ITEM_CONSENTED,),
    ),
    PolicyClause(
        id="LU-3.2",
        says="Second exception: security. Antares does not use it.",
        source=GOOGLE_DATA,
        quote="It is necessary for security purposes",
    ),
    PolicyClause(
        id="LU-3.3",
        says="Third exception: applicable law. Antares does not use it.",
        source=GOOGLE_DATA,
        quote="It is necessary to comply with applicable law",
    ),
    PolicyClause(
        id="LU-3.4",
        says=(
            "Fourth exception: aggregated data for internal operations. Antares counts entries"
            " of the ledger, which hold no content; nothing is decrypted for counting."
        ),
        source=GOOGLE_DATA,
        quote="aggregated and used for internal operations",
        code=("limited_use.guard.guard.decide_each_request",),
    ),
    PolicyClause(
        id="LU-4",
        says="All other uses are prohibited.",
        source=GOOGLE_DATA,
        quote="All other transfers, uses, or sales of user data are prohibited",
        code=("limited_use.policy.policy_evaluation.ALL_ELSE",),
    ),
    PolicyClause(
        id="LU-4.1",
        says="No data goes to advertising platforms, data brokers or resellers.",
        source=GOOGLE_DATA,
        quote="advertising platforms, data brokers, or any information resellers",
    ),
    PolicyClause(
        id="LU-4.2",
        says="No data is used for advertising of any kind.",
        source=GOOGLE_DATA,
        quote="serving ads, including retargeting, personalized or interest-based advertising",
    ),
    PolicyClause(
        id="LU-4.3",
        says="No data is used to decide about credit or loans.",
        source=GOOGLE_DATA,
        quote="to determine credit-worthiness or for lending purposes",
    ),
    PolicyClause(
        id="LU-5",
        says="Employees, agents, contractors and successors comply with all of this.",
        source=GOOGLE_DATA,
        quote="ensure that your employees, agents, contractors, and successors comply",
        duty=ClauseDuty(
            SECURITY,
            "Commits everyone with access to servers or keys in writing, and keeps a list of"
            " these people and a register of processors with the clause for each.",
        ),
    ),
)
