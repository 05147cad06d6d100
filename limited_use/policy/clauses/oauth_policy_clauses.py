"""Google's OAuth policies: scopes, tokens and keys."""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import Fact

from .clause_types import (
    GOOGLE_OAUTH,
    GOOGLE_RESTRICTED,
    GOOGLE_WEB_SERVER,
    OPERATOR,
    PRODUCT,
    ClauseConfidence,
    ClauseDuty,
    PolicyClause,
)

OAUTH: tuple[PolicyClause, ...] = (
    PolicyClause(
        id="SCOPE-MIN",
        says="The app requests the smallest set of scopes for the features that the user chose.",
        source=GOOGLE_OAUTH,
        quote="the smallest set of scopes that are necessary",
        code=("integrations.access.scopes.get_product_scopes",),
    ),
    PolicyClause(
        id="SCOPE-MATCH",
        says="The console lists the scopes that the code requests.",
        source=GOOGLE_OAUTH,
        quote="must match the list of scopes requested by your app",
        code=("integrations.connections.connectable_products.list_requested_permissions",),
        duty=ClauseDuty(OPERATOR, "Copies the list of the page on data use into the console."),
    ),
    PolicyClause(
        id="SCOPE-DRIFT",
        says=(
            "Scopes that are no longer used are given up. Antares shows such a scope and never"
            " uses it. Revoking it would end the used scopes too, because one grant holds them"
            " all."
        ),
        source=GOOGLE_OAUTH,
        quote="revoke the tokens with the previously-used scopes that are no longer in use",
        code=("integrations.access.scopes.compare_connection_scopes",),
        duty=ClauseDuty(
            OPERATOR,
            "When a feature stops needing a scope: removes it from the console, and asks the"
            " affected users to reconnect.",
        ),
    ),
    PolicyClause(
        id="SCOPE-GRANT",
        says="A scope that was not granted is not used, and its features are off.",
        source=GOOGLE_OAUTH,
        quote="you need to disable any related functionality in your app",
        facts=(Fact.GRANT_LIVE,),
        code=("integrations.access.scopes.get_served_features",),
    ),
    PolicyClause(
        id="SCOPE-REASK",
        says="Users see the consent page only after they asked for it.",
        source=GOOGLE_OAUTH,
        quote="only request a new authorization after the user clearly indicates an intent",
        code=("integrations.settings.connect_views.begin_connect",),
    ),
    PolicyClause(
        id="SCOPE-CTX",
        says="Scopes are requested in context, after the reason.",
        source=GOOGLE_OAUTH,
        quote="ask for scopes in context with incremental authorization",
        code=("integrations.connections.connectable_products.list_connectable_products",),
    ),
    PolicyClause(
        id="TOK-SEC",
        says="Tokens are never sent or stored in plain text.",
        source=GOOGLE_OAUTH,
        quote="always store encrypted tokens at rest",
        code=("limited_use.sinks.provider_sink.open_credential",),
    ),
    PolicyClause(
        id="TOK-REVOKE",
        says="Tokens that are no longer needed are revoked.",
        source=GOOGLE_OAUTH,
        quote="Revoke tokens when you no longer need access",
        facts=(Fact.PURGE_RUNNING, Fact.GRANT_ENDED),
    ),
    PolicyClause(
        id="TOK-DELETE",
        says="Revoked tokens are deleted permanently.",
        source=GOOGLE_OAUTH,
        quote="delete them permanently from your application or system",
        code=(
            "limited_use.vault.data_keys.destroy_returning_id",
            "limited_use.receipts.key_destruction_receipts.issue_second_part",
        ),
    ),
    PolicyClause(
        id="TOK-RISC",
        says="Apps that depend on learning of revoked tokens use Google's security events.",
        source=GOOGLE_OAUTH,
        quote="you must integrate with our Cross-Account Protection service",
        duty=ClauseDuty(
            PRODUCT,
            "Decides when to use them. Today, Antares notices an ended grant at the next token"
            " refresh.",
        ),
    ),
    PolicyClause(
        id="SIG-LIMIT",
        says="Security events are used for security only.",
        source=GOOGLE_OAUTH,
        quote="strictly prohibited from any other use",
    ),
    PolicyClause(
        id="SECRET-REPO",
        says="No repository contains the client secret.",
        source=GOOGLE_OAUTH,
        quote="never commit client credentials into publicly available code repositories",
        code=("config.settings.GOOGLE",),
    ),
    PolicyClause(
        id="ENV-SPLIT",
        says=(
            "Each deployment tier has its own project. Production accepts no client of"
            " development, and no other addresses than the provider's."
        ),
        source=GOOGLE_OAUTH,
        quote="separate projects in the Google Cloud Console for each deployment tier",
        code=("config.provider_settings.read_google",),
        duty=ClauseDuty(
            OPERATOR, "Creates one project per tier, and keeps test users out of production."
        ),
    ),
    PolicyClause(
        id="CB-SCRIPTS",
        says=(
            "No script of a third party runs on the page that receives the code. The callback"
            " renders no page at all."
        ),
        source=GOOGLE_WEB_SERVER,
        quote="especially third-party scripts such as social plugins and analytics",
        code=("integrations.settings.connect_views.handle_callback",),
    ),
    PolicyClause(
        id="CASA-DEL",
        says="The assessment checks deletion on request.",
        source=GOOGLE_RESTRICTED,
        quote="to delete user data upon a user's request",
        confidence=ClauseConfidence.SECOND_HAND,
        code=("integrations.purge.open_purge_job",),
    ),
)
