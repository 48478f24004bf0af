"""The text of messages: Jinja2 in its sandbox, cut down to what a message needs.

A person's template runs in the process that tells of alerts. So it has variables, conditions, one level of loops and a few filters; no
calls, no arithmetic, no assignments, nothing that could make much text of little or reach what it was not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2 import Template as Compiled
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerts.messages.domain import EXAMPLE, MAX_BODY, MAX_SUBJECT, InvalidTemplate, Template

_WORDS = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test),
    *(
        nodes.Tuple,
        nodes.List,
        nodes.Compare,
        nodes.Operand,
        nodes.And,
        nodes.Or,
        nodes.Not,
        nodes.If,
        nodes.For,
        nodes.CondExpr,
        nodes.Concat,
    ),
)
_FILTERS = ("upper", "lower", "capitalize", "title", "trim", "truncate", "length", "first", "last", "default")
_TESTS = ("defined", "none", "true", "false", "eq", "ne", "in")


def render(template: Template, variables: Mapping[str, object]) -> tuple[str, str]:
    """Returns subject, on one line, and body, both cut to their size. Raises: InvalidTemplate."""
    subject = " ".join(_rendered(template.subject, variables, 10 * MAX_SUBJECT).split())
    return subject[:MAX_SUBJECT], _rendered(template.body, variables, MAX_BODY).strip()


def check(template: Template) -> None:
    """Raises: InvalidTemplate."""
    render(template, EXAMPLE)
    render(template, {name: type(example)() for name, example in EXAMPLE.items()})


def _rendered(text: str, variables: Mapping[str, object], longest: int) -> str:
    made, compiled = "", _compiled(text)
    try:
        for part in compiled.generate(**variables):
            made += part
            if len(made) > longest:
                break
    except Exception as error:  # whatever a filter raises, to which a person's text leads: truncate asserts
        raise InvalidTemplate(f"The template cannot be used: {error}"[:300]) from error
    return made[:longest]


def _printable(value: object) -> object:
    if not isinstance(value, str | int | float):
        raise TypeError("only a text or a number can be printed; a list needs a {% for %}")
    return value


def _environment() -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, finalize=_printable, cache_size=0
    )
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in _FILTERS}
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


_SANDBOX = _environment()


@lru_cache(maxsize=256)
def _compiled(text: str) -> Compiled:
    """Raises: InvalidTemplate."""
    try:
        tree = _SANDBOX.parse(text)
        for loop in tree.find_all(nodes.For):
            if any(inner is not loop for inner in loop.find_all(nodes.For)):
                raise InvalidTemplate("A loop inside of another is not possible.")
        for node in _walk(tree):
            if not isinstance(node, _WORDS):
                raise InvalidTemplate(f"{type(node).__name__} is not possible in a template: only variables, if, for and filters are.")
        return _SANDBOX.from_string(text)
    except (TemplateError, SyntaxError, RecursionError, MemoryError) as error:
        raise InvalidTemplate(f"The template cannot be read: {error}"[:300]) from error


def _walk(node: nodes.Node) -> Any:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)
