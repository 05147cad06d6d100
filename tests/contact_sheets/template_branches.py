"""Which templates were rendered, and which branches of their tags."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template import base, defaulttags, engines
from django.test.signals import template_rendered

FOLDER = settings.BASE_DIR / "templates"


@dataclass(frozen=True, order=True, slots=True)
class Branch:
    """
    A branch of `{% if %}` or `{% for %}`.

    :param words: which branch, such as “if x”, “branch 2 of if x” or “empty of for y in z”
    :param is_loop: whether the branch is the body of a loop
    """

    template: str
    words: str
    line: int
    is_loop: bool = False


class RenderedTemplates:
    """Names of rendered templates, and ids of the node lists that were rendered or looped over."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._rendered: set[int] = set()
        # A tag that looks for blocks goes through the loops of a parent template as well.
        self._iterated: set[int] = set()

    @contextmanager
    def recording(self) -> Iterator[None]:
        render = base.NodeList.render

        def record_and_render(node_list: base.NodeList, context: Any) -> Any:
            self._rendered.add(id(node_list))
            return render(node_list, context)

        def record_and_iterate(node_list: base.NodeList) -> Iterator[base.Node]:
            self._iterated.add(id(node_list))
            return list.__iter__(node_list)

        # Reading a template goes through all of its nodes.
        for name in list_templates():
            engines["django"].engine.get_template(name)
        template_rendered.connect(self._record_name)
        base.NodeList.render, base.NodeList.__iter__ = record_and_render, record_and_iterate
        try:
            yield
        finally:
            base.NodeList.render = render
            del base.NodeList.__iter__
            template_rendered.disconnect(self._record_name)

    def _record_name(self, template: Any, **_: Any) -> None:
        self.names.add(template.name)

    def list_missing_branches(self, names: set[str]) -> list[Branch]:
        """Return the branches of these templates that nothing rendered."""
        return sorted(
            branch
            for name in names
            for branch, node_list in _iterate_branches(name)
            if id(node_list) not in (self._iterated if branch.is_loop else self._rendered)
        )


def list_templates() -> set[str]:
    """Return the names of our templates of pages and mails."""
    return {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*")
        if path.is_file() and path.suffix in {".html", ".txt"}
    }


def _iterate_branches(name: str) -> Iterator[tuple[Branch, base.NodeList]]:
    template = engines["django"].engine.get_template(name)
    assert Path(template.origin.name).is_relative_to(FOLDER), name
    for node in _iterate_nodes(template.nodelist):
        words, line = node.token.contents, node.token.lineno
        if isinstance(node, defaulttags.IfNode):
            for position, (_, node_list) in enumerate(node.conditions_nodelists):
                label = f"branch {position + 1} of {words}" if position else words
                yield Branch(name, label, line), node_list
        elif isinstance(node, defaulttags.ForNode):
            yield Branch(name, words, line, is_loop=True), node.nodelist_loop
            if node.nodelist_empty:
                yield Branch(name, f"empty of {words}", line), node.nodelist_empty


def _iterate_nodes(node_list: base.NodeList) -> Iterator[Any]:
    for node in node_list:
        if not isinstance(node, base.Node) or isinstance(node, base.TextNode):
            continue
        yield node
        if isinstance(node, defaulttags.IfNode):
            for _, branch in node.conditions_nodelists:
                yield from _iterate_nodes(branch)
            continue
        for attribute in node.child_nodelists:
            if (children := getattr(node, attribute, None)) is not None:
                yield from _iterate_nodes(children)
