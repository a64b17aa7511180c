"""Which steps of a scenario broke what would hold without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from allocator.engines.status import Engine
from allocator.errors import InputError
from allocator.explaining.effort_rules import effort_rules
from allocator.explaining.quota_rules import quota_rules
from allocator.explaining.repairs import Trial
from allocator.explaining.rulebook import Key
from allocator.formulation.grain import make_grain
from allocator.model import Model
from allocator.scenarios.applying import Steps, apply_steps
from allocator.scenarios.scenario import Change, Event, Scenario

Step = tuple[Scenario, Event | Change]
Parts = Sequence[tuple[Scenario, Steps]]


@dataclass(frozen=True)
class Broken:
    """What steps of scenarios broke.

    Attributes
    ----------
    by : str
        steps; itself, where the model without them has it too; or unknown, where the goals' order is to blame.
    steps : tuple of (Scenario, step)
        Steps that break it together, and not without any one of them.
    """

    by: str
    steps: tuple[Step, ...] = ()


def breaking_steps(
    base: Model,
    parts: Parts,
    missed: frozenset[Key],
    missed_of: Callable[[Model], frozenset[Key] | None],
    *,
    strict: bool,
    engine: Engine,
) -> Broken:
    """Thin the steps of scenarios out to those without which the model would have what it has not.

    Parameters
    ----------
    base : Model
        Without scenarios.
    parts : sequence of (Scenario, steps)
    missed : frozenset of keys
        Wishes that the plan with all steps misses; empty where there is no plan.
    missed_of : callable
        Wishes that the plan of a model misses; None where there is no plan.
    strict, engine
        As for the explanation.
    """
    before = missed_of(base)
    if before is None or (missed and missed <= before):
        return Broken("itself")
    if missed:
        gone = before
    else:
        book = effort_rules(base, strict=strict)[0]
        gone = frozenset(i.key for i in book.items if i.goal)
    breaks = _Breaks(base, strict, engine, gone)
    steps: list[Step] = [(scenario, step) for scenario, own in parts for step in own]
    if not breaks.under(steps):
        return Broken("unknown")
    for step in list(reversed(steps)):  # the last first: a lever stands behind the events that it answers
        rest = [s for s in steps if s is not step]
        if breaks.under(rest):
            steps = rest
    return Broken("steps", tuple(steps))


@dataclass(frozen=True)
class _Breaks:
    """Whether a model cannot have its hard rules and all wishes but some."""

    base: Model
    strict: bool
    engine: Engine
    gone: frozenset[Key]

    def under(self, steps: Sequence[Step]) -> bool:
        """Whether some steps break it; what cannot be applied breaks nothing."""
        try:
            model = apply_steps(self.base, [(scenario, (step,)) for scenario, step in steps]).model
        except InputError:
            return False
        quotas = Trial(model, lambda m: quota_rules(m, make_grain(m)), frozenset(), self.engine)
        effort = Trial(model, lambda m: effort_rules(m, strict=self.strict)[0], self.gone, self.engine)
        return quotas.holds(model) is False or effort.holds(model) is False
