"""Acceptance rules: a small grammar, told what is wrong in it, and a verdict with the figure beside the limit."""

from __future__ import annotations

import pytest

from allocator.batches.rules import Rule, judge, parse_rule
from allocator.reporting.amounts import Amounts

YUAN = Amounts("元", "CNY")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("revenue at least 0.97 of base", Rule("revenue", True, 0.97, "base")),
        ("revenue at least 97% of base", Rule("revenue", True, 0.97, "base")),
        ("targets missed at most 2", Rule("targets missed", False, 2.0)),
        ("profit at least 1,200,000", Rule("profit", True, 1.2e6)),
        ("profit at least -5.5", Rule("profit", True, -5.5)),
        ("visits unplaced at most 1 % of promised", Rule("visits unplaced", False, 0.01, "visits promised")),
        ("Spend  AT MOST 0.1 of Revenue", Rule("spend", False, 0.1, "revenue")),
    ],
)
def test_what_a_rule_may_say(text: str, rule: Rule) -> None:
    """Each form of the grammar is understood, whatever its blanks and capitals."""
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("revenu at least 1", 'There is no measure "revenu". Did you mean "revenue"?'),
        ("targets mised at most 2", 'Did you mean "targets missed"?'),
        ("happiness at least 1", "There are: revenue, profit"),
        ("revenue at last 1", "Expected at least or at most, found at last."),
        ("revenue at least many", "many is not a number."),
        ("revenue at least 1,20", "1,20 is not a number."),
        ("revenue at least 97%", "Per cent of what?"),
        ("revenue at least 0.97 of bse", 'Did you mean "base"?'),
        ("revenue at least 0.97 of revenue", "A measure is compared with itself."),
        ("revenue > 5", "Expected a rule such as revenue at least 0.97 of base."),
        ("revenue at least", "Expected a rule such as"),
        ("", "Expected a rule such as"),
        ("revenue at least 1 of base or so", "There is no measure"),
    ],
)
def test_what_a_rule_may_not_say(text: str, says: str) -> None:
    """A typo is told with the word that was meant, and nothing is guessed."""
    assert says in str(parse_rule(text))


@pytest.mark.parametrize(
    ("text", "value", "kept"),
    [
        ("profit at least 100", 100.0, True),
        ("profit at least 100", 100.0 - 1e-8, True),
        ("profit at least 100", 99.999, False),
        ("targets missed at most 2", 2.0, True),
        ("targets missed at most 2", 3.0, False),
        ("targets missed at most 0", 0.0, True),
        ("profit at least -10", -10.0, True),
        ("profit at least -10", -10.1, False),
    ],
)
def test_both_sides_of_a_limit(text: str, value: float, kept: bool) -> None:
    """A limit itself is kept, a little beyond it is not; dust of the arithmetic decides nothing."""
    rule = parse_rule(text)
    assert isinstance(rule, Rule)
    assert judge(rule, {rule.measure: value}, None, YUAN).kept is kept


@pytest.mark.parametrize(
    ("text", "figures", "base", "kept", "says"),
    [
        ("revenue at least 0.97 of base", {"revenue": 97.0}, {"revenue": 100.0}, True, "97.0 % of base plan CNY 100"),
        (
            *("revenue at least 0.97 of base", {"revenue": 96.99}, {"revenue": 100.0}, False),
            "revenue CNY 96.99: 96.99 % of base plan CNY 100, asked at least 97.00 %",
        ),
        (
            *("visits unplaced at most 1% of promised", {"visits unplaced": 2.0, "visits promised": 200.0}, None, True),
            "1.0 % of visits promised 200",
        ),
        (
            *(
                "visits unplaced at most 1% of promised",
                {"visits unplaced": 3.0, "visits promised": 200.0},
                None,
                False,
            ),
            "visits unplaced 3: 1.5 % of visits promised 200, asked at most 1.0 %",
        ),
        (
            *("spend at most 10% of base", {"spend": 1.0}, {"spend": 0.0}, False),
            "spend CNY 1: base plan CNY 0, asked at most 10.0 %",
        ),
        ("spend at most 10% of base", {"spend": 0.0}, {"spend": 0.0}, True, "base plan CNY 0"),
        ("spend at most 10% of base", {"spend": 1.0}, None, False, "nothing to compare with, base plan is not known"),
        ("profit at least 5", {"profit": None}, None, False, "profit is not known"),
        (
            *("profit at least 5", {"profit": 4.0}, None, False),
            "profit CNY 4, asked at least CNY 5",
        ),
    ],
)
def test_a_verdict_tells_the_figure_and_the_limit(
    text: str, figures: dict[str, float | None], base: dict[str, float | None] | None, kept: bool, says: str
) -> None:
    """The sentence holds what was reached and what was asked, told apart in their digits; what is not known is not kept."""
    rule = parse_rule(text)
    assert isinstance(rule, Rule)
    verdict = judge(rule, figures, base, YUAN)
    assert verdict.kept is kept
    assert says in verdict.says
