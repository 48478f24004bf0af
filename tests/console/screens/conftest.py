"""Fixtures of the tests of screens: a node that serves recordings, for those that have `address` lead to it."""

from __future__ import annotations

import pytest
from tests.console.browsing import Console
from tests.console.recorded import Node


@pytest.fixture(scope="module")
def module_node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return Node(tmp_path_factory.mktemp("recordings"))


@pytest.fixture
def node(module_node: Node, console: Console) -> Node:
    """The node, with nothing recorded yet."""
    module_node.reset()
    module_node.answer(console.services)
    return module_node
