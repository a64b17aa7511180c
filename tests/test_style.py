"""The shape of the code: small files, one direction of imports, no word that belongs elsewhere."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import allocator

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "allocator"
MODULES = sorted(PACKAGE.rglob("*.py"))

APART = {
    "auditing": ("program", "formulation", "engines", "solving", "ordering"),
    "program.py": ("schema", "reading", "model", "engines", "formulation", "ortools", "highspy", "pulp"),
    "formulation": ("engines", "reporting", "commands", "ortools", "highspy", "pulp"),
    "engines": ("model", "schema", "formulation", "reporting", "commands"),
    "schema": ("engines", "program", "solving", "reporting", "commands"),
    "reporting": ("formulation", "engines", "program", "commands"),
}
"""What must not import what: each part of the package knows only what comes before it."""


def imports(path: Path) -> set[str]:
    """Return what a module imports, those of the package without its name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            if node.module == "allocator":
                found |= {f"allocator.{alias.name}" for alias in node.names}
    return {name.removeprefix("allocator.") for name in found}


@pytest.mark.parametrize("part", sorted(APART))
def test_parts_stay_apart(part: str) -> None:
    """No part of the package imports one that it must not know, the audit above all."""
    place = PACKAGE / part
    modules = [place] if place.suffix else sorted(place.rglob("*.py"))
    assert modules
    wrong = {(module.name, name) for module in modules for name in imports(module) if name.split(".")[0] in APART[part]}
    assert not wrong


def test_oracles_share_nothing() -> None:
    """The oracles know the package's input and nothing that computes: they state the mathematics a second time."""
    modules = sorted((ROOT / "tests" / "oracles").rglob("*.py"))
    assert modules
    parts = {p.stem for p in [*PACKAGE.glob("*.py"), *PACKAGE.glob("*/")]} - {"model", "scopes", "errors"}
    assert not {(m.name, name) for m in modules for name in imports(m) if name.split(".")[0] in parts}


def test_files_can_be_read_in_one_sitting() -> None:
    """No module is longer than 450 lines."""
    assert not {p.name: n for p in MODULES if (n := len(p.read_text("utf-8").splitlines())) > 450}


def test_no_module_hides_a_function() -> None:
    """No module bears the name of a public function of the package."""
    public = {name for name in dir(allocator) if not name.startswith("_") and callable(getattr(allocator, name))}
    assert not public & {p.stem for p in PACKAGE.glob("*.py")}


def test_data_holds_no_code() -> None:
    """Models and scenarios are data: no Python travels in them."""
    assert not [*(ROOT / "models").rglob("*.py"), *(ROOT / "scenarios").rglob("*.py")]


def test_texts_are_looked_up_when_they_are_shown() -> None:
    """No text is translated while a module is imported: the language is not known then."""
    wrong = []
    for path in MODULES:
        for node in outside_functions(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                wrong.append(f"{path.name}:{node.lineno}")
    assert not wrong


def outside_functions(node: ast.AST) -> list[ast.AST]:
    """Return the nodes that are run when a module is imported."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            found += [child, *outside_functions(child)]
    return found
