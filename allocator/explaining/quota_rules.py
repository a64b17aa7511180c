"""The rulebook of the quota program: pins, floors, caps and the incentive line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from allocator.explaining.rulebook import Rulebook, collected
from allocator.formulation.draft import money_scale
from allocator.formulation.grain import Grain
from allocator.formulation.quotas import quota_program
from allocator.model import Model
from allocator.program import Family, Program


def quota_rules(model: Model, grain: Grain) -> Rulebook:
    """Group the quota program of a model into items.

    What a pin or a floor asks beyond the forecast is a goal, so whether pins, floors, caps and the incentive line hold together does not
    depend on what can be sold: the program is written as if nothing could.
    """
    shape = len(grain.people.code), len(grain.product), grain.months
    program = quota_program(grain, np.zeros(shape), money_scale(grain)).program
    program = replace(program, goals=())
    return collected(model, program, _atoms(model, program))


def _atoms(model: Model, program: Program) -> Iterator[pd.DataFrame]:
    for family in program.row_families:
        rows = pd.DataFrame({"row": np.arange(family.start, family.stop)}).assign(factor=program.money, measure="money")
        low, high = program.row_lower[family.slice], program.row_upper[family.slice]
        if family.name == "Pins hold":
            number = [str(n) for n in range(len(family))]
            size = _size(low)
            yield rows.assign(kind="pin", number=number, side=1, size=size, held=low * program.money)
            yield rows.assign(kind="pin", number=number, side=-1, size=size, held=0.0)
        elif family.name == "Floors and caps hold":
            yield from _floors_and_caps(family, rows, program)
        elif family.name == "Commission fits the incentive line":
            yield rows.assign(kind="incentive", side=-1, size=_size(high), held=high * program.money)


def _floors_and_caps(family: Family, rows: pd.DataFrame, program: Program) -> Iterator[pd.DataFrame]:
    low, high = program.row_lower[family.slice], program.row_upper[family.slice]
    rows = rows.assign(rep=np.asarray(family.labels["rep"]).astype(object))
    floor, cap = low > 0, np.isfinite(high)
    yield rows.assign(kind="floor", side=1, size=_size(low[floor]), held=low * program.money)[floor]
    yield rows.assign(kind="cap", side=-1, size=_size(high[cap]), held=high * program.money)[cap]


def _size(values: np.ndarray) -> float:
    size = float(np.abs(values).mean()) if len(values) else 0.0
    return size if size > 0 else 1.0
