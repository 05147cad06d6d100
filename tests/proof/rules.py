"""
Rules that only a look at the syntax tree can check. Each yields the lines that break it.

Ruff and import contracts state the others, see `pyproject.toml`. The README of `limited_use` says
what the rules cannot see: names made at run time, C extensions, and calls of libraries.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from integrations.review.registers.plaintext_regions import HARMLESS, SOURCES
from tests.proof.source import Module

NETWORK = (
    # Of httpx, which adapters use, an import contract says who may import it.
    "socket", "ssl", "socketserver", "http.client", "http.server", "urllib.request", "urllib3",
    "requests", "aiohttp", "httplib2", "ftplib", "xmlrpc", "websockets", "redis", "asyncio",
)  # fmt: skip
DYNAMIC = {"__import__", "import_module", "import_string", "get_model", "find_spec"}
SENDING = {"send_mail", "send_mass_mail", "email_user", "mail_admins", "mail_managers"}
MESSAGES = {"EmailMessage", "EmailMultiAlternatives"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
RECORD_ERRORS = {"Unopenable", "Damaged", "KeyDamaged"}
# What of the sinks' parts any module may import: types, and errors that a caller catches.
SINK_PARTS = {
    "traceback_guard": {"SinkFailed", "WrongSink"},
    "sealed_rows": {"SealedRow", "Permits"},
    "template_values": {"TemplateItem", "Shape", "NotRevealed"},
}
_PROVIDER = r"""["'](google|microsoft|offline)["']"""
PROVIDER_BRANCH = re.compile(
    rf"(==|!=|\bcase)\s*{_PROVIDER}|{_PROVIDER}\s*(==|!=)|\bprovider(\.key|_key)?\s*(==|!=)"
    rf"|\bif\b[^:\n]*\bin\s*[\[({{]\s*{_PROVIDER}"
)
PROVIDER_BRANCH_IN_TEMPLATE = re.compile(rf"{{%[^%]*{_PROVIDER}")
# A function of the database that gives or takes keys.
VAULT = re.compile(r"\bvault_\w+\(")
EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
SQL = {"execute", "executemany", "raw", "extra", "RawSQL", "RunSQL", "copy", "callproc"}


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def permits(module: Module) -> Iterator[int]:
    """A permit is made, also from another permit."""
    for name, call in module.calls:
        inside = " ".join(ast.unparse(argument) for argument in call.args)
        if _last(name) == "Permit" or (
            _last(name) in {"replace", "__new__", "__replace__", "copy", "deepcopy"}
            and re.search(r"\bpermits?\b", f"{name} {inside}", re.IGNORECASE)
        ):
            yield call.lineno


def unrecorded_permits(module: Module) -> Iterator[int]:
    """A permit is taken from the guard before its ledger entry is written."""
    for name, call in module.calls:
        if _last(name) == "_decide_requests":
            yield call.lineno


def sealed_records(module: Module) -> Iterator[int]:
    """The code that decrypts one record is imported; its errors may be."""
    for name, line in module.imports:
        if name.startswith("limited_use.vault.envelope") and _last(name) not in RECORD_ERRORS:
            yield line


def sink_parts(module: Module) -> Iterator[int]:
    """A part that only sinks may use is imported: their types and errors may be."""
    for name, line in module.imports:
        for part, allowed in SINK_PARTS.items():
            prefix = f"limited_use.sinks.{part}"
            if name == prefix or (
                name.startswith(f"{prefix}.") and name.removeprefix(f"{prefix}.") not in allowed
            ):
                yield line


def plaintext_sources(module: Module) -> Iterator[int]:
    """A module that produces plaintext is imported, or a package that contains one."""
    for name, line in module.imports:
        if name not in HARMLESS and any(
            _is_within(name, source) or _is_within(source, name) for source in SOURCES
        ):
            yield line


def _is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def unwrapping(module: Module) -> Iterator[int]:
    """A key is unwrapped, or wrapped again."""
    for name, call in module.calls:
        if _last(name) in {"unwrap", "rewrap"}:
            yield call.lineno


def stored_keys(module: Module) -> Iterator[int]:
    """A key is read from its table."""
    for name, call in module.calls:
        if name.endswith("ledger_key_wrap.key_of"):
            yield call.lineno
    for node in module.nodes:
        if isinstance(node, ast.Constant) and VAULT.search(str(node.value)):
            yield node.lineno


def accesses(module: Module) -> Iterator[int]:
    """It is said whose token an adapter goes along with."""
    for name, call in module.calls:
        named = {one.arg for one in call.keywords}
        if _last(name) == "ProviderAccess" or (_last(name) == "replace" and "account" in named):
            yield call.lineno


def dynamic(module: Module) -> Iterator[int]:
    """A module or a model is found by a name that no reader of imports sees."""
    for name, line in module.imports:
        if name.split(".")[0] in {"importlib", "pkgutil", "runpy", "imp"}:
            yield line
    for name, call in module.calls:
        if _last(name) in DYNAMIC or name.startswith(("importlib.", "runpy.")):
            yield call.lineno


def network(module: Module) -> Iterator[int]:
    """The network is reached without a provider's adapter between."""
    for name, line in module.imports:
        if any(name == one or name.startswith(f"{one}.") for one in NETWORK):
            yield line


def compiling(module: Module) -> Iterator[int]:
    """Text is compiled into code."""
    for name, call in module.calls:
        if name == "compile":
            yield call.lineno


def mail(module: Module) -> Iterator[int]:
    """Mail of the platform's own is sent."""
    # The standard library's message is what mail is parsed into and written as; it sends nothing.
    written = {name for name, _ in module.imports if name.startswith("email.")}
    for name, line in module.imports:
        if name.startswith("django.core.mail"):
            yield line
    for name, call in module.calls:
        last = _last(name)
        if last in SENDING or (last in MESSAGES and f"email.message.{last}" not in written):
            yield call.lineno


def templates(module: Module) -> Iterator[int]:
    """A template is made from a string."""
    for name, call in module.calls:
        if _last(name) in {"Template", "from_string", "Engine"} or name.startswith("jinja2"):
            yield call.lineno


def statements(module: Module) -> Iterator[int]:
    """SQL is not one literal, or the literal one name stands for."""
    constants = {
        target.id
        for node in module.tree.body
        if isinstance(node, ast.Assign) and _is_literal(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for name, call in module.calls:
        if _last(name) in SQL and call.args and "." in name:
            first = call.args[0]
            if not (_is_literal(first) or (isinstance(first, ast.Name) and first.id in constants)):
                yield call.lineno


def _is_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


#: The functions of `integrations.coordination.task_queue`.
ENQUEUE = frozenset({"enqueue", "enqueue_on_commit", "enqueue_until_sweep"})
# Seconds: when a task starts, and when its message expires.
TIMES = frozenset({"delay", "expires"})


def arguments(module: Module) -> Iterator[int]:
    """A task takes, or is given, something else than ids."""
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef) and any(
            "shared_task" in ast.unparse(one) or ".task" in ast.unparse(one)
            for one in node.decorator_list
        ):
            taken = node.args
            if taken.args or taken.posonlyargs or taken.vararg:
                yield node.lineno
            for one in taken.kwonlyargs:
                if not one.arg.endswith("_id") or ast.unparse(one.annotation or one) != "str":
                    yield node.lineno
    for name, call in module.calls:
        function = _last(name)
        is_named = function in {*ENQUEUE, "send_task"}
        if not is_named and function not in {"delay", "apply_async", "s", "si", "signature"}:
            continue
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if function in {"apply_async", "send_task"}:
            sent = given.get("kwargs")
            keys = [ast.unparse(key)[1:-1] for key in getattr(sent, "keys", []) if key]
            whole = sent is None or isinstance(sent, ast.Dict)
        else:
            keys, whole = [key for key in given if key not in TIMES or not is_named], True
        # The one argument without a keyword is the name of the task.
        whole = whole and len(call.args) == int(is_named)
        if not whole or not all(key and key.endswith("_id") for key in keys):
            yield call.lineno


def logs(module: Module) -> Iterator[int]:
    """A log line is more than the name of an event and listed fields."""
    caught = {node.name for node in module.nodes if isinstance(node, ast.ExceptHandler)} - {None}
    for name, call in module.calls:
        target, _, level = name.rpartition(".")
        if level not in LEVELS or _last(target) not in {"logger", "log", "logging", "_logger"}:
            continue
        first = call.args[0] if call.args else None
        is_event = _is_literal(first) and EVENT.fullmatch(first.value)
        extra = [one.value for one in call.keywords if one.arg == "extra"]
        # Of an error its type may be told, and the word of ours that it carries.
        given = " ".join(map(ast.unparse, extra))
        told = re.sub(r"type\(\w+\)\.__name__|\w+\.reason|'.*?'", "", given)
        other = {one.arg for one in call.keywords} - {"extra", "exc_info"}
        if not is_event or len(call.args) != 1 or other or caught & set(re.findall(r"\w+", told)):
            yield call.lineno


def debug_branches(module: Module) -> Iterator[int]:
    """A condition depends on DEBUG."""
    yield from _matching_lines(module, re.compile(r"\bif .*\bDEBUG\b"))


def environment(module: Module) -> Iterator[int]:
    """The environment is read."""
    yield from _matching_lines(module, re.compile(r"\bos\.(environ|getenv)\b"))


def provider_branches(module: Module) -> Iterator[int]:
    """A condition asks which provider it is; the difference is a field of `Provider`."""
    yield from _matching_lines(module, PROVIDER_BRANCH)


def _matching_lines(module: Module, pattern: re.Pattern[str]) -> Iterator[int]:
    for number, line in enumerate(module.text.splitlines(), start=1):
        if pattern.search(line):
            yield number


@dataclass(frozen=True)
class Rule:
    """
    A rule, its exceptions, and code that breaks it.

    :param allowed: paths that may break it, as files or folders with a slash at the end; a path
        that does not break it fails as well
    :param free: paths that the rule does not apply to
    """

    finds: Callable[[Module], Iterator[int]]
    planted: tuple[str, ...]
    allowed: Mapping[str, str] = field(default_factory=dict)
    free: tuple[str, ...] = ()
