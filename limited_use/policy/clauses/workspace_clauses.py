"""Additions of Google's Workspace policy for sensitive and restricted scopes."""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import Fact

from .clause_types import (
    GOOGLE_DATA,
    GOOGLE_FAQ,
    GOOGLE_WORKSPACE,
    LEGAL,
    OPERATOR,
    PRODUCT,
    SECURITY,
    ClauseConfidence,
    ClauseDuty,
    PolicyClause,
)

WORKSPACE: tuple[PolicyClause, ...] = (
    PolicyClause(
        id="W-LU1",
        says="Data serves only appropriate features that users see.",
        source=GOOGLE_WORKSPACE,
        quote="visible and prominent in the requesting application's user interface",
        facts=(Fact.FEATURE_REGISTERED,),
    ),
    PolicyClause(
        id="W-LU2",
        says="The same four exceptions for transfers as in LU-2.",
        source=GOOGLE_WORKSPACE,
        quote="only with the user's consent",
        facts=(Fact.SHARE_LIVE, Fact.NOTIFICATION_CHOSEN),
    ),
    PolicyClause(
        id="W-LU3",
        says=(
            "Humans read data under four exceptions. Data for internal operations must be"
            " aggregated and anonymised."
        ),
        source=GOOGLE_WORKSPACE,
        facts=(Fact.ITEM_CONSENTED,),
        code=("limited_use.guard.guard.decide_each_request",),
    ),
    PolicyClause(
        id="WLU-3.1",
        says=(
            "A human reads only data that the user has explicitly agreed to show, and the"
            " agreement is documented."
        ),
        source=GOOGLE_WORKSPACE,
        quote="obtained and documented the user's explicit consent to read specific data",
        facts=(Fact.ITEM_CONSENTED,),
        code=("limited_use.agreements.consents.give",),
    ),
    PolicyClause(
        id="W-LU4",
        says="All other uses are prohibited.",
        source=GOOGLE_WORKSPACE,
        quote="All other transfers, uses, or sale of user data is completely prohibited",
        code=("limited_use.policy.policy_evaluation.ALL_ELSE",),
    ),
    PolicyClause(
        id="WLU-4.4",
        says="No model is created, trained or improved, except a personal model of that user.",
        source=GOOGLE_WORKSPACE,
        quote="beyond that specific user's personalized model",
    ),
    PolicyClause(
        id="WDISC",
        says="The app shows the Limited Use statement with a link to the policy.",
        source=GOOGLE_WORKSPACE,
        quote="will adhere to the Google User Data Policy, including the Limited Use requirements",
        code=("integrations.urls.public_pages.views.show_data_use",),
        duty=ClauseDuty(
            LEGAL,
            "Corrects the published notice: its statement lacks the word APIs, its link has no"
            " target, and it has no statement about model training.",
        ),
    ),
    PolicyClause(
        id="WSEC-TOK",
        says="Tokens are encrypted at rest.",
        source=GOOGLE_WORKSPACE,
        quote="OAuth access and refresh tokens, encrypted at rest",
        code=("limited_use.vault.sealing.get_sealer",),
    ),
    PolicyClause(
        id="WSEC-KEY",
        says=(
            "Keys are in a hardware security module or a key management system of equal strength."
        ),
        source=GOOGLE_WORKSPACE,
        quote="hardware security module or equivalent-strength key management system",
        code=("limited_use.vault.keyring.keyring_transit.TransitKeyring",),
        duty=ClauseDuty(
            OPERATOR, "Runs the key store separately from the database, sealed by hardware."
        ),
    ),
    PolicyClause(
        id="WSEC-INC",
        says="Google is notified of suspected unauthorised access, before the public is.",
        source=GOOGLE_WORKSPACE,
        quote="promptly notify Google at security@google.com",
        duty=ClauseDuty(SECURITY, "Writes to security@google.com at the first suspicion."),
    ),
    PolicyClause(
        id="WSEC-PI",
        says="A model that reads user data is protected against prompt injection.",
        source=GOOGLE_WORKSPACE,
        quote="protecting against prompt injection techniques",
        confidence=ClauseConfidence.SECOND_HAND,
        duty=ClauseDuty(
            PRODUCT,
            "Before the first feature that shows data to a model: reads the policy of 2026-09 in"
            " full and adds this protection. Today, no model reads any data.",
        ),
    ),
    PolicyClause(
        id="WAGENT",
        says="Users confirm each action of an agent.",
        source=GOOGLE_WORKSPACE,
        quote="granularly require users to confirm",
        confidence=ClauseConfidence.SECOND_HAND,
        duty=ClauseDuty(
            PRODUCT, "Acts before the first agent or tool of this kind. Today, there is none."
        ),
    ),
    PolicyClause(
        id="WDEL",
        says="Requests for deletion are honoured, and users are told how to make them.",
        source=GOOGLE_WORKSPACE,
        quote="Honor user requests to delete their data.",
        code=(
            "integrations.purge.open_purge_job",
            "integrations.urls.public_pages.views.show_data_use",
        ),
    ),
    PolicyClause(
        id="GWDP-notice",
        says="The app tells users which data it requests, immediately before consent.",
        source=GOOGLE_WORKSPACE,
        quote="accompany and immediately precede a request for user consent",
        code=("integrations.connections.connectable_products.list_connectable_products",),
    ),
    PolicyClause(
        id="GWDP-consent",
        says="Consent is an action of the user, never the absence of one.",
        source=GOOGLE_WORKSPACE,
        quote="Must require affirmative user action",
        code=("integrations.connections.begin_connect",),
    ),
    PolicyClause(
        id="GWDP-encrypt",
        says="User data is encrypted at rest and on every network.",
        source=GOOGLE_WORKSPACE,
        quote="At rest on your systems",
        code=("limited_use.vault.fields.SealedField",),
        duty=ClauseDuty(OPERATOR, "Encrypts disks and the connections to database and broker."),
    ),
    PolicyClause(
        id="GWDP-apptype",
        says="Only certain types of app may use Gmail. An email client is one of them.",
        source=GOOGLE_WORKSPACE,
        duty=ClauseDuty(PRODUCT, "Keeps the product an email client in Google's sense."),
    ),
    PolicyClause(
        id="GUDP-change",
        says="Data is not used for a new purpose before the user has agreed to it.",
        source=GOOGLE_DATA,
        quote="prompt the user to consent to any changes before you may access that data",
        facts=(Fact.CONSENT_CURRENT,),
        code=(
            "limited_use.policy.feature_registry.compute_feature_digest",
            "integrations.connections.renew_consent",
        ),
    ),
    PolicyClause(
        id="GUDP-privacy",
        says="The privacy policy describes how data is accessed, used, stored and shared.",
        source=GOOGLE_DATA,
        quote="must thoroughly disclose the manner in which your application accesses, uses",
        duty=ClauseDuty(LEGAL, "Keeps the published notice in line with the page on data use."),
    ),
    PolicyClause(
        id="GUDP-assess",
        says="Restricted scopes need a security assessment every year.",
        source=GOOGLE_DATA,
        quote="must pass an annual security assessment and obtain a Letter of Assessment",
        duty=ClauseDuty(
            SECURITY, "Books the assessment, provides the evidence, and renews in time."
        ),
    ),
    PolicyClause(
        id="GFAQ-models",
        says="Data trains no general model and is not stored with one.",
        source=GOOGLE_FAQ,
        quote="may not be used to train or improve foundational or frontier models",
        confidence=ClauseConfidence.SECOND_HAND,
    ),
)
