"""Tests that the public interface is documented, also where editors show it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

import pytest
import sellercloud_output

CLASSES = {
    name: value
    for name in sellercloud_output.__all__
    if inspect.isclass(value := getattr(sellercloud_output, name))
}


def undocumented_attributes(source: str) -> list[str]:
    """Returns the public attributes of a class that no string literal follows."""
    (definition,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(definition, ast.ClassDef)
    found = []
    for statement, following in zip(definition.body, [*definition.body[1:], None]):
        if isinstance(statement, ast.AnnAssign):
            target: ast.expr = statement.target
        elif isinstance(statement, ast.Assign):
            target = statement.targets[0]
        else:
            continue
        is_documented = (
            isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        )
        # `kind` is documented in SellercloudError; its subclasses only set it.
        is_override = isinstance(statement, ast.Assign) and ast.unparse(target) == "kind"
        if not is_documented and not is_override:
            found.append(ast.unparse(target))
    return [name for name in found if not name.startswith("_")]


@pytest.mark.parametrize("name", CLASSES)
def test_public_class_is_documented(name: str) -> None:
    public: Any = CLASSES[name]
    assert "__doc__" in vars(public)
    assert public.__doc__
    # dataclass writes a signature where the docstring is missing.
    assert not public.__doc__.startswith(f"{name}(")
    assert undocumented_attributes(inspect.getsource(public)) == []


@pytest.mark.parametrize("name", CLASSES)
def test_public_method_is_documented_with_its_parameters(name: str) -> None:
    public = CLASSES[name]
    for method_name, member in vars(public).items():
        function = member.__func__ if isinstance(member, staticmethod) else member
        if isinstance(member, property):
            function = member.fget
        if method_name.startswith("_") and method_name != "__init__":
            continue
        # dataclass generates functions that have no file, and Protocol adds one of typing's.
        if not inspect.isfunction(function) or function.__module__ != public.__module__:
            continue
        if function.__code__.co_filename == "<string>":
            continue
        assert function.__doc__, method_name
        documented = function.__doc__.partition("Args:")[2]
        for parameter in inspect.signature(function).parameters:
            if parameter != "self":
                assert f" {parameter}: " in documented, f"{method_name}: {parameter}"


def test_undocumented_attribute_is_found() -> None:
    source = '''
    class Sample:
        """A sample."""

        first: int
        """The first."""

        second: int = 2
        third = 3
        _fourth: int
    '''
    assert undocumented_attributes(source.lstrip("\n")) == ["second", "third"]
