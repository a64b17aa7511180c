"""The package as a user gets it: wheel and sdist, each installed in an empty environment."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the sdist, and the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT], check=True, capture_output=True
    )
    return {"wheel": next(folder.glob("*.whl")), "sdist": next(folder.glob("*.tar.gz"))}


def test_contents(built: dict[str, Path]) -> None:
    """The wheel holds one package, the models and the texts; the sdist holds what is needed to build and test it."""
    names = zipfile.ZipFile(built["wheel"]).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info/" not in n} == {"allocator"}
    for model in ("pocket", "telecom"):
        assert f"allocator/shipped/models/{model}/model.yaml" in names
        assert f"allocator/shipped/models/{model}/README.md" in names
    assert "allocator/locale/zh/LC_MESSAGES/allocator.mo" in names
    assert "allocator/schema/dictionary.csv" in names
    assert "allocator/py.typed" in names
    assert any(n.endswith("licenses/LICENSE") for n in names)
    with tarfile.open(built["sdist"]) as archive:
        inside = {n.split("/", 1)[1] for n in archive.getnames() if "/" in n}
    assert {
        "pyproject.toml",
        "constraints.txt",
        "Makefile",
        "tests/test_packaging.py",
        "models/pocket/reps.csv",
    } <= inside
    assert not [n for n in inside if n.startswith(("runs/", ".venv/", "dist/"))]


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_an_installed_package_plans(built: dict[str, Path], kind: str, tmp_path: Path) -> None:
    """Installed in an empty environment, away from the checkout, the program makes and solves the shipped models."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    programs = environment / ("Scripts" if sys.platform == "win32" else "bin")
    install = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*install, "--constraint", ROOT / "constraints.txt", built[kind]], check=True)
    work = tmp_path / "work"
    work.mkdir()

    def run(*arguments: str) -> str:
        command = [programs / "allocator", *arguments]
        done = subprocess.run(command, cwd=work, check=False, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return done.stdout

    place = subprocess.run(
        [programs / "python", "-c", "import allocator; print(allocator.__file__)"],
        cwd=work,
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    assert Path(place.stdout.strip()).is_relative_to(environment)
    run("new", "mine", "--from", "telecom")
    run("new", "t", "--from", "pocket")
    run("new", "first")
    run("check", "mine")
    for model in ("t", "first"):
        summary = json.loads(run("solve", model, "--json"))
        assert summary["status"] == "optimal"
        assert summary["audit"]["violations"] == 0
        assert (work / "runs" / model / "quotas.csv").exists()
    assert "预算" in run("schema", "--lang", "zh")


def test_every_import_is_declared() -> None:
    """The package imports nothing but the standard library, itself and what it declares to need; extras only where they are used."""
    extras = {normal(d) for name, listed in PROJECT["optional-dependencies"].items() if name != "dev" for d in listed}
    declared = {normal(d) for d in PROJECT["dependencies"]}
    shipped_by = importlib.metadata.packages_distributions()
    known = {m for m, names in shipped_by.items() if declared & {normal(n) for n in names}}
    known |= {"allocator", *sys.stdlib_module_names}
    strange = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in (ROOT / "allocator").rglob("*.py")
        for name in imported(path)
        if name not in known and (name not in extras or name in imported(path, at_once=True))
    }
    assert not strange


def imported(path: Path, *, at_once: bool = False) -> set[str]:
    """Return the top-level names that a module imports, or only those that it needs as soon as it is imported itself."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = tree.body if at_once else list(ast.walk(tree))
    plain = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    return {n.split(".")[0] for n in plain | {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module}}


def test_constraints_hold_every_dependency() -> None:
    """Each declared dependency has one version in constraints.txt, and no line names an index or a place."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    held = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in held)
    names = {normal(line) for line in held}
    assert not {normal(d) for d in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]} - names


def normal(requirement: str) -> str:
    """Return the name of a requirement as indexes write it."""
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")
