"""The rules with their exceptions: a list to review, each with its reason."""

from __future__ import annotations

from integrations.review.registers import plaintext_regions
from tests.proof.rules import Rule
from tests.proof.source import find_path

from . import rules

_STAND_IN = "the stand-in for providers is a process of its own, and never in production"
_LAUNCHER = "the launcher of the embedded servers, never in production"
_ADAPTER = "an adapter talks to its provider"

RULES = {
    "builds a permit": Rule(
        rules.permits,
        (
            "Permit(use, holder)",
            "guard.Permit(use=use)",
            "dataclasses.replace(permit, actor=me)",
            "object.__new__(guard.Permit)",
            "copy.copy(permit)",
        ),
        {"limited_use/guard/guard.py": "the guard, after it decided and recorded"},
    ),
    "takes a permit that is not recorded": Rule(
        rules.unrecorded_permits,
        ("guard._decide_requests(asks, at=at)",),
        {
            "limited_use/guard/guard.py": "the guard, which records it next",
        },
    ),
    "decrypts a record": Rule(
        rules.sealed_records,
        (
            "from limited_use.vault import envelope",
            "from limited_use.vault.envelope import open_record",
            "from limited_use.vault.envelope import Damaged, open_record",
            "import limited_use.vault.envelope as r",
        ),
        {"limited_use/vault/": "the vault itself"},
    ),
    "uses the parts of sinks": Rule(
        rules.sink_parts,
        (
            "from limited_use.sinks.sealed_rows import open_rows",
            "from limited_use.sinks import sealed_rows",
            "import limited_use.sinks.sealed_rows as r",
            "from limited_use.sinks.template_values import RevealScope",
            "from limited_use.sinks.template_values import TemplateItem, render_template",
            "from limited_use.sinks.traceback_guard import guard_plaintext",
        ),
        {
            "limited_use/sinks/": "the sinks themselves",
            "limited_use/templatetags/reveal.py": "prints what a page's sink opened",
        },
    ),
    "imports a source of plaintext": Rule(
        rules.plaintext_sources,
        (
            "from limited_use.vault import opening",
            "from limited_use.vault.opening import open_sealed_values",
            "from limited_use.sinks.provider_sink import open_credential as given",
            "from limited_use import sinks",
            "import limited_use.sinks.page_sink as p",
            "def f():\n    from integrations.formats.mime import rfc5322",
            "from ..formats.mime.rfc5322 import parse",
            "from .. import providers",
            "from integrations.providers.mail import MailAdapter",
            "from integrations.providers.google.gmail_adapter import GmailAdapter",
            "from integrations.grants import access_tokens",
            "from integrations.formats.icalendar.file_problems import *",
            "import integrations.formats.mime",
            "import integrations",
        ),
        {find_path(name): reason for name, reason in plaintext_regions.REGIONS.items()},
        free=tuple(find_path(name) for name in plaintext_regions.SOURCES),
    ),
    "unwraps a key": Rule(
        rules.unwrapping,
        (
            "get_keyring().unwrap(line, 1, wrapped, bound)",
            "from limited_use.vault import data_keys\ndata_keys.unwrap(row)",
            "ring.rewrap(line, wrapped)",
        ),
        {
            "limited_use/vault/": "the vault itself",
            "limited_use/rotation/key_epochs.py": "wraps keys under the next epoch",
        },
    ),
    "reads a stored key": Rule(
        rules.stored_keys,
        (
            "ledger_key_wrap.key_of(connection_id, commitment)",
            "cursor.execute('SELECT * FROM vault_read_content(%s)', [holders])",
        ),
        {
            "limited_use/vault/": "the vault itself",
            "limited_use/ledger/": "makes names by a ledger key, and hands one to its owner",
        },
    ),
    "says whose an adapter is": Rule(
        rules.accesses,
        (
            "ProviderAccess(token, root_url, account)",
            "access.ProviderAccess(token=token, root_url='', account=theirs)",
            "replace(access, account=theirs)",
        ),
        {
            "integrations/grants/access_tokens.py": "beside the token that it is of",
            "integrations/push/revocation_access.py": "the same, where a connection ends",
        },
    ),
    "finds modules or models by name": Rule(
        rules.dynamic,
        (
            "import importlib",
            "from importlib import import_module",
            "__import__('socket')",
            "apps.get_model('integrations', 'Message')",
            "import_string(path)",
            "import runpy",
        ),
        {
            "integrations/sandbox/schemas.py": "finds the published API descriptions as files",
            "config/embedded/server_binaries.py": "finds servers that were installed as packages",
            "config/embedded/static_files.py": "finds the static files of installed apps",
        },
    ),
    "reaches the network": Rule(
        rules.network,
        (
            "import socket",
            "import http.client",
            "from http import client",
            "import urllib.request",
            "from urllib import request",
            "import requests",
            "from aiohttp import web",
            "import asyncio",
        ),
        {
            "integrations/providers/": _ADAPTER,
            "integrations/sandbox/": _STAND_IN,
            "config/embedded/": _LAUNCHER,
            "config/broker.py": "says how a certificate is verified; opens nothing itself",
            "config/front/": "answers on connections that the web server accepted; opens none",
            "config/egress_tripwire.py": "watches what others do with it; opens nothing itself",
            "limited_use/vault/keyring/transit": "asks the key server for its keys' work",
        },
    ),
    "compiles text into code": Rule(rules.compiling, ("compile(text, '', 'exec')",)),
    "sends mail of the platform": Rule(
        rules.mail,
        (
            "from django.core.mail import send_mail",
            "from django.core import mail",
            "import django.core.mail as m",
            "user.email_user('subject', 'text')",
            "send_mass_mail(messages)",
            "get_adapter().send_mail('account/email/x', address, {})",
            "EmailMessage('subject', text, to=[address]).send()",
            "message = EmailMultiAlternatives()",
        ),
        {
            "limited_use/notifications/platform_mail.py": (
                "the one place: kinds of a closed list, our own words"
            ),
            "accounts/account_mail.py": "mails of the sign-in pages: a link, in words of ours",
        },
    ),
    "makes templates of strings": Rule(
        rules.templates,
        ("Template(subject).render(context)", "engine.from_string(title)"),
    ),
    "composes SQL": Rule(
        rules.statements,
        (
            "cursor.execute(f'SELECT {name}')",
            "cursor.execute('SELECT ' + name)",
            "cursor.execute('SELECT %s' % name)",
            "Message.objects.raw(statement)",
            "Message.objects.extra(where)",
        ),
        {
            "limited_use/ledger/entries.py": "as many placeholders as there are entries",
            "limited_use/ledger/subject_access.py": "constants of its own, values as parameters",
            "limited_use/ledger/subject_activity.py": "constants of its own, values as parameters",
            "accounts/people.py": "constants of its own, values as parameters",
            "accounts/caller_lookup.py": "constants of its own, values as parameters",
            "accounts/rate_limit_counters.py": "constants of its own, values as parameters",
            "integrations/access/feature_reads.py": "constants of its own, values as parameters",
            "integrations/calendar/calendar_access.py": "a constant, values as parameters",
            "integrations/calendar/event_rows.py": "columns of its own, values as parameters",
            "integrations/purge/feature_removals.py": "a constant, values as parameters",
            "limited_use/vault/opening.py": "literals, with as many placeholders as there are ids",
            "limited_use/vault/data_key_rows.py": "literals of its own, values as parameters",
            "config/database/": "roles, rights and policies: names quoted by the driver, no values",
            "integrations/access/cross_user_lookups.py": (
                "constants of its own, values as parameters"
            ),
            "integrations/access/facts/fact_queries.py": "as many placeholders as there are ids",
            "integrations/mail/message_list_sql.py": "conditions of its own, values as parameters",
            "integrations/sync/claim_statement.py": "columns of our own tables, from the models",
            "integrations/sync/turn_end.py": "columns of our own tables, from the models",
            "integrations/purge/row_deletion.py": "names of our own tables, from the models",
            "config/embedded/postgres.py": "a constant's name, in the launcher",
        },
    ),
    "gives tasks more than ids": Rule(
        rules.arguments,
        (
            "@shared_task\ndef run(message): pass",
            "@shared_task(name='x')\ndef run(*, subject: str): pass",
            "@app.task\ndef run(*, work_id: dict): pass",
            "run.delay(message)",
            "run.delay(subject=subject)",
            "run.apply_async(kwargs={'body': text})",
            "run.apply_async(kwargs=everything)",
            "app.send_task('x', kwargs={'body': text})",
            "app.send_task('x', [message])",
            "enqueue('x', subject=subject)",
            "enqueue_on_commit('x', message)",
            "enqueue_until_sweep('x', **everything)",
        ),
        {"integrations/coordination/task_queue.py": "sends the ids that it was given"},
    ),
    "logs text": Rule(
        rules.logs,
        (
            "logger.info(f'read {subject}')",
            "logger.info('mail.read', subject)",
            "logger.warning('it failed')",
            "logger.warning(message)",
            "try: pass\nexcept OSError as error:\n    logger.error('a.b', extra={'error': error})",
            "try: pass\nexcept OSError as error: logger.error(error)",
        ),
    ),
    "branches on DEBUG": Rule(rules.debug_branches, ("if settings.DEBUG:\n    pass",)),
    "reads the environment": Rule(
        rules.environment,
        ("os.environ['HOME']", "import os\nos.getenv('HOME')"),
        {
            "config/": "makes settings of it",
            "integrations/sandbox/": _STAND_IN,
        },
    ),
    "asks which provider it is": Rule(
        rules.provider_branches,
        (
            "if provider.key == 'google': pass",
            'same = "microsoft" != key',
            "if key in ('google', 'microsoft'): pass",
            "match key:\n    case 'offline': pass",
        ),
        {"integrations/sandbox/": _STAND_IN},
    ),
}
