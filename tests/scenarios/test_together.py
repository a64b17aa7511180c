"""Scenarios together: what composes, what clashes, that order does not matter, and the way back."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import pytest
from told import refused, tell, value

from allocator.errors import InputError
from allocator.model import Model
from allocator.reading import load, write_tables
from allocator.scenarios.applying import with_scenarios
from allocator.scenarios.recording import COLUMNS, undo


def one(change: str) -> str:
    """Return a scenario of one change."""
    return f"changes:\n  - {{{change}}}\n"


def test_multiplies_compose_and_so_do_adds(small_folder: Path) -> None:
    """Two factors of one cell multiply, two amounts add up: 120,000 · 0.9 · 0.7 and 1,000 + 10 + 5."""
    model = tell(
        small_folder,
        a=one("table: demand, where: {client: k1, product: lite}, multiply: {expected: 0.9}")
        + "  - {table: budget, where: {line: fair}, add: {minimum: 10}}\n",
        b=one("table: demand, where: {client: k1, product: lite}, multiply: {expected: 70%}")
        + "  - {table: budget, where: {line: fair}, add: {minimum: 5}}\n",
    )
    both = with_scenarios(model, "a+b").model
    assert value(both, "demand", {"client": "k1", "product": "lite"}, "expected") == pytest.approx(75600)
    assert value(both, "budget", {"line": "fair"}, "minimum") == 1015


EXPECTED = "table: demand, where: {client: k1, product: lite}"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (f"{EXPECTED}, multiply: {{expected: 0.9}}", f"{EXPECTED}, add: {{expected: -5}}"),
        (f"{EXPECTED}, multiply: {{expected: 0.9}}", f"{EXPECTED}, set: {{expected: 5}}"),
        (f"{EXPECTED}, set: {{expected: 7}}", f"{EXPECTED}, set: {{expected: 5}}"),
        (f"{EXPECTED}, multiply: {{expected: 0.9}}, from: 2026-04", f"{EXPECTED}, set: {{expected: 5}}"),
        (f"{EXPECTED}, multiply: {{expected: 0.9}}", f"{EXPECTED}, remove: yes"),
        (
            "table: supply, where: {product: box}, set: {maximum: 1}",
            "table: supply, where: {product: box}, from: 2026-05, multiply: {maximum: 2}",
        ),
        ("table: model, set: {peak: 2}", "table: model, set: {peak: 3}"),
    ],
)
def test_what_does_not_go_together_is_refused_in_either_order(small_folder: Path, first: str, second: str) -> None:
    """Setting what another scenario changes, or multiplying what it adds to, is an error whichever comes first."""
    tell(small_folder, a=one(first), b=one(second))
    for names in ("a+b", "b+a"):
        (clash,) = refused(small_folder, names)
        assert clash.rule == "clash"
        assert (clash.table, clash.row) == (f"{names[-1]}.yaml", "2")


def test_over_overrides(small_folder: Path) -> None:
    """Who says over may set what another one changed; alone in a scenario nothing clashes."""
    first = one(f"{EXPECTED}, multiply: {{expected: 0.9}}")
    model = tell(small_folder, a=first, b=one(f"{EXPECTED}, over: yes, set: {{expected: 5}}"))
    assert value(with_scenarios(model, "a+b").model, "demand", {"client": "k1", "product": "lite"}, "expected") == 5
    model = tell(small_folder, c=first + f"  - {{{EXPECTED}, set: {{expected: 5}}}}\n")
    assert value(with_scenarios(model, "c").model, "demand", {"client": "k1", "product": "lite"}, "expected") == 5


def test_two_new_rows_of_one_key_clash(small_folder: Path) -> None:
    """The same lever in two scenarios is refused where it is written, not as a duplicate somewhere in the tables."""
    row = one("table: budget, append: {line: care, maximum: 10}")
    (clash,) = refused(small_folder, "a+b", a=row, b=row)
    assert (clash.rule, clash.table, clash.row) == ("duplicate", "b.yaml", "2")


POOL = (
    "table: demand, where: {unit: north}, multiply: {expected: 0.9}",
    "table: demand, where: {product: lite}, multiply: {expected: 0.7, ceiling: 0.7}",
    "table: demand, where: {tier: B}, multiply: {expected: 0.3}",
    "table: demand, where: {class: star}, from: 2026-06, multiply: {expected: 1.1}",
    "table: demand, append: {client: k3, product: box, expected: 100, ceiling: 200}",
    "table: clients, where: {client: k3}, set: {owner: bob}",
    "table: supply, where: {product: box}, from: 2026-04, to: 2026-06, multiply: {maximum: 0.5}",
    "table: supply, where: {source: own}, multiply: {maximum: 0.9}",
    "table: supply, append: {product: box, month: 2026-05, maximum: 7}",
    "table: needs, where: {tier: A}, remove: yes",
)


def test_order_does_not_matter(small_folder: Path) -> None:
    """Any two scenarios together give the same tables, or are refused, in both orders: each reads the model without the other."""
    model = tell(small_folder, **{f"s{k}": one(change) for k, change in enumerate(POOL)})
    refusals = 0
    for a, b in itertools.combinations(range(len(POOL)), 2):
        there, back = (outcome(model, names) for names in (f"s{a}+s{b}", f"s{b}+s{a}"))
        assert there == back, (POOL[a], POOL[b])
        refusals += there == ""
    assert 0 < refusals < 5


def outcome(model: Model, names: str) -> str:
    """Return the hash of a model under scenarios; blank where they are refused."""
    try:
        return with_scenarios(model, names).model.sha256
    except InputError:
        return ""


def test_three_factors_give_one_number_in_any_order(small_folder: Path) -> None:
    """Factors of one cell are multiplied in one order, so that not even the last digit tells who came first."""
    model = tell(
        small_folder,
        **{f"s{k}": one(f"{EXPECTED}, multiply: {{expected: {f}}}") for k, f in enumerate((0.9, 0.7, 0.3))},
    )
    assert (
        len({with_scenarios(model, "+".join(p)).model.sha256 for p in itertools.permutations(("s0", "s1", "s2"))}) == 1
    )


def test_the_record_leads_back(small_folder: Path, tmp_path: Path) -> None:
    """Undone from the written record alone, every kind of change leaves the tables as they were, byte for byte."""
    rows = "".join(f"  - {{{change}}}\n" for change in POOL if "month: 2026-05" not in change)
    rows += "  - {table: leave, where: {rep: ann}, set: {from: 2026-07-01}}\n"  # a cell of the key
    rows += "  - {table: model, set: {peak: 2, levels.stretch: 1.2}}\n"
    rows += (
        '  - {table: clients, where: {client: k1}, set: {name: "a; b=c\\n, d", weekdays: 3 4, renewal: 2026-09-01}}\n'
    )
    rows += "  - {table: clients, where: {client: k2}, set: {count: 11}}\n  - {table: budget, append: {line: care, maximum: 1}}\n"
    rows += "  - {table: budget, where: {line: care}, multiply: {maximum: 3}}\n  - {table: budget, where: {line: care}, remove: yes}\n"
    model = tell(small_folder, s=f"changes:\n{rows}")
    changed = with_scenarios(model, "s")
    assert tuple(changed.changes.columns) == COLUMNS
    changed.changes.to_csv(tmp_path / "changes.csv", index=False)
    record = pd.read_csv(tmp_path / "changes.csv", dtype=str, keep_default_na=False)
    back = undo(changed.model, record)
    assert changed.model.sha256 != model.sha256 == back.sha256
    for name, one_model in (("before", model), ("after", back)):
        write_tables(one_model, tmp_path / name)
    files = sorted(p.name for p in (tmp_path / "before").iterdir())
    assert files == sorted(p.name for p in (tmp_path / "after").iterdir())
    assert all((tmp_path / "before" / f).read_bytes() == (tmp_path / "after" / f).read_bytes() for f in files)


def test_the_record_holds_what_changed_and_no_more(small_folder: Path) -> None:
    """A cell that is set to what it was is no change; one that differs stands there with both values and its key."""
    text = one("table: budget, where: {line: [fair, bonus]}, set: {maximum: 50000}")
    changes = with_scenarios(tell(small_folder, s=text), "s").changes
    assert changes.to_dict("records") == [
        {
            "scenario": "s",
            "table": "budget",
            "key": "line=fair",
            "column": "maximum",
            "before": "80000",
            "after": "50000",
        }
    ]


def test_the_model_knows_its_scenarios(small_folder: Path) -> None:
    """``model.with_scenario`` gives the changed model, from which files can be written and read again."""
    model = tell(small_folder, s=one("table: budget, where: {line: fair}, set: {maximum: 50000}"))
    changed = model.with_scenario("s")
    write_tables(changed, small_folder.parent / "written")
    again = load(small_folder.parent / "written")
    assert again.sha256 == changed.sha256 != model.sha256


def test_a_new_scenario_reads_the_model_alone(small_folder: Path) -> None:
    """A row that one scenario adds is not multiplied by the other, so that A+B is what A and B say each by itself."""
    model = tell(
        small_folder,
        a=one("table: budget, append: {line: care, category: marketing, maximum: 10}"),
        b=one("table: budget, where: {category: marketing}, multiply: {maximum: 0.5}"),
    )
    both = with_scenarios(model, "a+b").model
    assert value(both, "budget", {"line": "care"}, "maximum") == 10
    assert value(both, "budget", {"line": "fair"}, "maximum") == 40000
