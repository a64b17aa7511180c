"""Each kind of event and lever, its changes worked out by hand on the small model.

Of lite the active clients buy 410,000 (k1 120,000, k2 ten times 20,000, k3 90,000): a quarter in January and December, half in June.
Of suite k1 buys 500,000, half in March and September; of box k2 buys 50,000, a third in January and the rest in June, until October.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from told import add_rows, cells, new_rows, refused, tell, under, value

from allocator.scenarios.applying import with_scenarios
from allocator.scenarios.events import KINDS

SHIFT = "shift scope from to factor"


def events(line: str) -> str:
    """Return a scenario of one event."""
    return f"events:\n  - {line}\n"


def respond(line: str) -> str:
    """Return a scenario of one lever."""
    return f"respond:\n  - {line}\n"


def test_a_price_cut_is_a_dated_factor(small_folder: Path) -> None:
    """Demand falls by cut times elasticity from the month on and not before: one row of shifts, 1 − 0.2 · 0.5."""
    before = tell(small_folder)
    line = "price_cut: {competitor: 20%, elasticity: 0.5, class: star, unit: north, from: 2026-04}"
    changed = under(small_folder, events(line))
    assert new_rows(before, changed, "shifts", SHIFT) == [("s 1", "unit=north; class=star", "2026-04", "2026-12", 0.9)]
    assert set(changed.changes["table"]) == {"shifts"}


def test_a_demand_shift_ends_where_it_says(small_folder: Path) -> None:
    """Quarters are periods like months: from the second to the third is April to September."""
    before = tell(small_folder)
    changed = under(small_folder, events("demand_shift: {factor: 1.2, product: lite, from: 2026-Q2, to: 2026-Q3}"))
    assert new_rows(before, changed, "shifts", SHIFT) == [("s 1", "product=lite", "2026-04", "2026-09", 1.2)]


def test_a_mix_shift_keeps_what_the_cheaper_plan_is_worth(small_folder: Path) -> None:
    """From June a tenth of 307,500 lite goes to box at half its worth: 15,375 on top of box's 33,333 is a factor of 1.46125."""
    before = tell(small_folder)
    changed = under(
        small_folder, events("mix_shift: {product: lite, cheaper: box, share: 0.1, price: 0.5, from: 2026-06}")
    )
    rows = new_rows(before, changed, "shifts", SHIFT)
    assert [r[1] for r in rows] == ["product=lite", "product=box"]
    assert [r[4] for r in rows] == pytest.approx([0.9, 1.46125])


def test_a_client_is_lost_on_the_day(small_folder: Path) -> None:
    """A loss is the date on which the client stops; nothing else is touched."""
    changed = under(small_folder, events("client_loss: {client: k1, from: 2026-05-15}"))
    assert cells(changed, "clients") == {("client=k1", "lost_on"): ("", "2026-05-15")}
    assert len(changed.changes) == 1


def test_a_departure_leaves_the_clients_to_the_backup(small_folder: Path) -> None:
    """The last day is the one before; the client without an owner stays with whom the engine gave it, so nobody else's moves."""
    changed = under(small_folder, events("rep_departure: {rep: ann, from: 2026-07}"))
    assert cells(changed, "reps") == {("rep=ann", "end"): ("", "2026-06-30")}
    assert cells(changed, "clients") == {("client=k3", "owner"): ("", "cy")}


def test_a_departure_hands_over_to_the_best(small_folder: Path) -> None:
    """The heaviest client goes first to who knows its industry, the others to the least loaded; others' clients do not move."""
    add_rows(small_folder, {"clients": "k4,四,A,,ann,mill,,active,1,,\nk5,五,B,,ann,mill,,active,1,,\n"})
    reps = (small_folder / "reps.csv").read_text("utf-8").splitlines()
    lines = [
        reps[0] + ",specialty",
        *(f"{r}," for r in reps[1:]),
        "dee,Dee,north,senior,,,8,,,,,bank",
        "eve,Eve,north,senior,,,8,,,,,",
    ]
    (small_folder / "reps.csv").write_text("\n".join(lines) + "\n", "utf-8")
    changed = under(small_folder, events("rep_departure: {rep: ann, from: 2026-07-01, hand_over: best}"))
    # k1 and k4 take 78 hours each, k5 4; bob has 40 of k2. dee knows banks; then eve is free; then bob at 40 / 7.5.
    backups = {
        key: after for (key, column), (_before, after) in cells(changed, "clients").items() if column == "backup"
    }
    assert backups == {"client=k1": "dee", "client=k4": "eve", "client=k5": "bob"}


def test_a_departure_without_a_backup_asks_for_one(small_folder: Path) -> None:
    """A rep nobody backs up cannot be handed over silently, nor to one who is gone by then."""
    (one,) = refused(small_folder, s=events("rep_departure: {rep: cy, from: 2026-07-01}"))
    assert (one.column, one.row) == ("hand_over", "2")
    (one,) = refused(small_folder, s=events("rep_departure: {rep: ann, from: 2026-11-01, hand_over: [cy]}"))
    assert one.column == "hand_over"


def test_a_budget_cut_leaves_what_is_spent(small_folder: Path) -> None:
    """Half of the money from July: fair runs April to September, so it loses half of its second half, a quarter of all."""
    changed = under(small_folder, events("budget_cut: {cut: 0.5, from: 2026-07, protect: incentive}"))
    assert cells(changed, "budget") == {
        ("line=fair", "minimum"): ("1000", "750"),
        ("line=fair", "maximum"): ("80000", "60000"),
    }


def test_a_budget_cut_stops_what_does_not_pay(small_folder: Path) -> None:
    """A stopped class loses all that is left of its money, and the others the cut: 80,000 · 3/6, and 50,000 · (1 − 0.2 · 6/12)."""
    changed = under(small_folder, events("budget_cut: {cut: 0.2, from: 2026-07, stop: star}"))
    after = {key: new for key, (_old, new) in cells(changed, "budget").items()}
    assert after["line=fair", "maximum"] == "40000"
    assert after["line=bonus", "maximum"] == "45000"


def test_a_closed_segment_is_lost_and_another_asked_for(small_folder: Path) -> None:
    """Banks stop in June; retail is asked for its 250,000 and 40 % of 105,000/3 (June), 250,000 (September), 52,500 (December)."""
    before = tell(small_folder)
    changed = under(small_folder, events("segment_closure: {industry: bank, from: 2026-06, switch: retail}"))
    assert new_rows(before, changed, "shifts", SHIFT) == [("s 1", "industry=bank", "2026-06", "2026-12", 0.0)]
    lost = {key: after for (key, _column), (_before, after) in cells(changed, "clients").items()}
    assert lost == {"client=k1": "2026-06-01", "client=k3": "2026-06-01"}
    (target,) = new_rows(before, changed, "targets", "target metric scope at_least priority")
    assert target == ("switch_retail", "revenue", "industry=retail", pytest.approx(250000 + 0.4 * 337500), "2")


def test_a_late_supplier_delivers_less_in_its_months(small_folder: Path) -> None:
    """The row for every month becomes one a month, and only those of the delay are less; the other source is left alone."""
    changed = under(small_folder, events("supply_delay: {product: box, from: 2026-05, to: 2026-06, capacity: 0.5}"))
    supply = changed.model["supply"]
    own = supply[supply["source"] == "own"].set_index("month")["maximum"]
    assert own.to_dict() == {m: 30000 if m in ("2026-05", "2026-06") else 60000 for m in changed.model.calendar.months}
    assert supply[supply["source"] == "other"]["maximum"].tolist() == [90000]


def test_a_late_supplier_of_a_product_without_a_limit(small_folder: Path) -> None:
    """A product that could always be delivered gets half of June's 205,000, and elsewhere more than could ever be sold."""
    changed = under(small_folder, events("supply_delay: {product: lite, from: 2026-06, to: 2026-06}"))
    supply = changed.model["supply"].query("product == 'lite'").set_index("month")["maximum"]
    assert supply["2026-06"] == pytest.approx(0.5 * 205000)
    assert supply[""] >= 200000 + 300000 + 100000 + 40 * 2000
    assert len(supply) == 2


def test_a_new_product_is_bought_like_another(small_folder: Path) -> None:
    """Launched in June, lite's clients buy a fifth of what they buy of lite from June on (three quarters of the year)."""
    line = "product_launch: {product: neo, margin: 0.5, launch: 2026-06, like: lite, share: 0.2, target: 50000, unit: north}"
    before = tell(small_folder)
    changed = under(small_folder, events(line))
    assert new_rows(before, changed, "products", "product class margin launch") == [
        ("neo", "question", 0.5, pd.Timestamp("2026-06-01"))
    ]
    rows = new_rows(before, changed, "demand", "client product expected ceiling")
    assert rows == [("k1", "neo", 18000.0, 27000.0), ("k2", "neo", 3000.0, 4500.0)]
    assert new_rows(before, changed, "targets", "target scope at_least") == [("launch_neo", "product=neo", 50000.0)]


def test_a_hiring_freeze_frees_the_clients_and_forgets_the_newcomers(small_folder: Path) -> None:
    """Who would start in May is no rep any more, in no scope and no backup; his client is free, the one of nobody stays put."""
    more = {"reps": "dan,Dan,north,junior,2026-05-01,,8,,ann,,\n", "clients": "k4,四,B,north,dan,mill,,active,1,,\n"}
    more["targets"] = 'both,visits,base,,"rep=bob, dan",,1,,,1,\nalone,visits,base,,rep=dan,,1,,,1,\n'
    add_rows(small_folder, more)
    changed = under(small_folder, events("hiring_freeze: {from: 2026-01-02}"))
    model = changed.model
    assert set(model["reps"]["rep"]) == {"ann", "bob", "cy"}
    assert value(model, "clients", {"client": "k4"}, "owner") == ""
    assert value(model, "clients", {"client": "k3"}, "owner") == "cy"
    assert value(model, "targets", {"target": "both"}, "scope") == "rep=bob"
    assert "alone" not in set(model["targets"]["target"])


def test_a_boom_moves_demand_and_market(small_folder: Path) -> None:
    """A tenth more from April is 7.5 % more of the year's market; the first quarter's row stays as it is."""
    before = tell(small_folder)
    changed = under(small_folder, events("market_boom: {factor: 1.1, from: 2026-04}"))
    assert new_rows(before, changed, "shifts", SHIFT) == [("s 1", "", "2026-04", "2026-12", 1.1)]
    sizes = {after for (_key, column), (_before, after) in cells(changed, "market").items() if column == "size"}
    assert sizes == {"3225000"}


def test_a_lever_is_a_line_with_a_curve(small_folder: Path) -> None:
    """A new line gets its window and a curve that begins at nothing; one that the model has is only opened, and may go on."""
    before = tell(small_folder)
    line = (
        "line: {line: care, product: lite, from: 2026-04, maximum: 5000, points: 2000:9000 5000:15000, carry_months: 1}"
    )
    changed = under(small_folder, respond(line))
    assert new_rows(before, changed, "budget", "line category product from to minimum maximum") == [
        ("care", "response", "lite", "2026-04", "2026-12", 0.0, 5000.0)
    ]
    points = new_rows(before, changed, "responses", "driver effort sales carry_months")
    assert points == [("care", 0.0, 0.0, 1), ("care", 2000.0, 9000.0, 1), ("care", 5000.0, 15000.0, 1)]
    changed = under(small_folder, respond("line: {line: fair, maximum: 90000, points: 90000:99000}"))
    assert cells(changed, "budget") == {("line=fair", "maximum"): ("80000", "90000")}
    assert new_rows(before, changed, "responses", "driver product effort sales") == [("fair", "lite", 90000.0, 99000.0)]


@pytest.mark.parametrize(("elasticity", "pays"), [("2", True), ("0.6", False)])
def test_matching_the_price_costs_the_margin_of_all_that_is_sold(
    small_folder: Path, elasticity: str, pays: bool
) -> None:
    """December's 102,500 of lite at margin 30 %: the line's money and sales give the very profit that the lower price leaves.

    At an elasticity of 2 a cut of 20 % costs 40 % of demand: revenue is 80 % of all instead of 60 %. At 0.6 it would be 80 % instead
    of 88 %, so nothing is gained and the lever is worth nothing.
    """
    before = tell(small_folder)
    line = f"match_price: {{cut: 20%, elasticity: {elasticity}, product: lite, from: 2026-12}}"
    changed = under(small_folder, respond(line))
    ((money,),) = new_rows(before, changed, "budget", "maximum")
    sales = [s for (s,) in new_rows(before, changed, "responses", "sales")]
    assert money == pytest.approx(102500 * 0.2 * 0.7)
    if pays:
        assert sales == pytest.approx([0, 102500 * (0.8 - 0.6)])
        matched, not_matched = 102500 * (0.3 - 0.2), 0.3 * 102500 * 0.6
        assert 0.3 * sales[1] - money == pytest.approx(matched - not_matched)
    else:
        assert sales == [0, 0]


def test_a_second_source_may_deliver(small_folder: Path) -> None:
    """In its months it may deliver a share of the demand, within days and at a cost; one that is there may deliver more."""
    before = tell(small_folder)
    changed = under(
        small_folder, respond("second_source: {product: box, share: 0.6, unit_cost: 0.08, from: 2026-06, to: 2026-06}")
    )
    rows = new_rows(before, changed, "supply", "month source maximum unit_cost lead_days")
    assert rows == [("2026-06", "second", pytest.approx(0.6 * 100000 / 3, abs=0.01), 0.08, 7)]
    line = "second_source: {product: box, source: other, maximum: 99000, from: 2026-05, to: 2026-05}"
    changed = under(small_folder, respond(line))
    assert value(changed.model, "supply", {"source": "other"}, "maximum") == 99000


def test_a_pool_gets_more_hours(small_folder: Path) -> None:
    """Hours grow in the months of the lever and stay in the others, those with a row of their own included."""
    changed = under(small_folder, respond("hours: {resource: tech, factor: 1.5, from: 2026-08, to: 2026-09}"))
    hours = changed.model["resources"].set_index("month")["hours"]
    assert (hours["2026-07"], hours["2026-08"], hours["2026-09"], hours["2026-10"]) == (100, 60, 150, 100)


def test_every_kind_is_tried_here_and_told_in_the_docs(small_folder: Path) -> None:
    """No event or lever goes without a test of its changes and a place in docs/scenarios.md with all its arguments."""
    from allocator.scenarios import happening, levers

    assert happening
    assert levers
    here = Path(__file__).read_text("utf-8")
    page = (Path(__file__).resolve().parents[2] / "docs" / "scenarios.md").read_text("utf-8")
    for name, kind in KINDS.items():
        assert f"{name}: {{" in here
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert not [a for a in kind.arguments if f"`{a}`" not in row]


def test_events_see_what_came_before_them(small_folder: Path) -> None:
    """The second event reads the tables as the first left them: whoever is gone cannot take over."""
    text = "events:\n  - rep_departure: {rep: bob, from: 2026-03-01}\n  - rep_departure: {rep: ann, from: 2026-07-01, hand_over: [bob]}\n"
    (one,) = refused(small_folder, s=text)
    assert (one.row, one.column) == ("3", "hand_over")


def test_empty(small_folder: Path) -> None:
    """A scenario without steps is the model itself: the same tables, the same hash, no record."""
    model = tell(small_folder, s="title: Nothing happens\n")
    changed = with_scenarios(model, "s")
    assert changed.model == model
    assert changed.model.sha256 == model.sha256
    assert changed.changes.empty
