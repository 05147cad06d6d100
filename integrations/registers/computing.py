"""
Which functions only compute: from what they hold nothing leads but what they answer.

Such a function calls nothing that keeps, sends, writes, logs or runs what it is handed: libraries
that compute, methods that values have, and functions of ours that do no more. An estimate that
errs towards "leads out": what cannot be told, as a call of what a caller passed, does. What a
cache of such a function remembers is answered to whoever asks the same, and goes nowhere.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .flow import Flow
from .meanings import LeadsOut, Meanings
from .source import Function, written


class Computing:
    """The functions that only compute, of a project that was followed."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        # For whoever reviews: what it was that led out.
        self.because: dict[str, str] = {}

    def run(self) -> frozenset[str]:
        """Return their names."""
        running: dict[str, set[str]] = {}
        for function in self.flow.project.functions.values():
            try:
                running[function.name] = set(self._run_by(function))
            except LeadsOut as found:
                self.because[function.name] = str(found)
        # What runs one that leads out leads out.
        while gone := {name for name, others in running.items() if not others <= running.keys()}:
            for name in gone:
                self.because[name] = ", ".join(sorted(running.pop(name) - running.keys()))
        return frozenset(running)

    def _run_by(self, function: Function) -> Iterator[str]:
        """
        Yield the functions of ours that it may run.

        :raises LeadsOut: if it does anything else than compute
        """
        here = Meanings(self.flow, function)
        called = {id(call.func) for call in function.calls}
        said = {id(node) for note in _annotations(function) for node in ast.walk(note)}
        for mark in function.node.decorator_list:
            yield from here.decorated(mark)
        for node in function.nodes:
            if id(node) in said:
                continue
            match node:
                case ast.Call(func=ast.expr() as what):
                    yield from here.called(what)
                case ast.Attribute(ctx=ast.Store() | ast.Del()):
                    here.sets(node)
                case ast.Subscript(ctx=ast.Store() | ast.Del(), value=kept):
                    here.changes(kept)
                case ast.Name() | ast.Attribute() if id(node) not in called:
                    yield from here.named(node)
                case ast.withitem(context_expr=what) if not isinstance(what, ast.Call):
                    raise LeadsOut(f"enters {written(what)}")
                case ast.Global() | ast.Import() | ast.ImportFrom():
                    raise LeadsOut(written(node))


def _annotations(function: Function) -> Iterator[ast.AST]:
    for node in function.nodes:
        match node:
            case (
                ast.arg(annotation=ast.expr() as note)
                | ast.AnnAssign(annotation=note)
                | ast.FunctionDef(returns=ast.expr() as note)
                | ast.AsyncFunctionDef(returns=ast.expr() as note)
            ):
                yield note
    # What a decorator is made of runs once, when the module is read.
    yield from function.node.decorator_list
