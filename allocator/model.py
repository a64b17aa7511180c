"""The model: one business as checked, frozen tables, and its settings."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, StrictStr, field_validator

from allocator.errors import Finding
from allocator.periods import Calendar

GOALS = ("visits", "base", "stretch", "contribution")
LEVELS = ("base", "stretch", "ceiling")
Share = Annotated[float, Field(ge=0, le=1)]


class Levels(BaseModel):
    """Height of stretch and ceiling targets, in multiples of base, where a target has no row of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    stretch: float = Field(1.1, ge=1)
    ceiling: float = Field(1.2, ge=1)


class Fairness(BaseModel):
    """How a rep's fair share of the unit's quota is found, and how far from it a quota may lie."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    by: Literal["potential", "history", "blend"] = "potential"
    blend: Share = 0.5
    band: float = Field(0.1, ge=0)
    grades: dict[str, Annotated[float, Field(gt=0)]] = {}


class Settings(BaseModel):
    """What ``model.yaml`` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: StrictStr = ""
    start: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
    months: int = Field(12, ge=1, le=12)
    country: str = "CN"
    currency: str = "CNY"
    money_unit: str = "元"
    language: Literal["zh", "en"] = "zh"
    levels: Levels = Levels()
    goals: tuple[Literal["visits", "base", "stretch", "contribution"], ...] = GOALS  # type: ignore[assignment]
    hedge: dict[str, Annotated[float, Field(ge=0)]] = {}
    fairness: Fairness = Fairness()
    peak: float = Field(1.5, ge=1)
    rounding: float = Field(1000, gt=0)
    stability: Share = 0.005
    moved: float = Field(0.2, ge=0)
    as_of: Annotated[str, Field(pattern=r"^(|\d{4}-\d{2}-\d{2})$")] = ""
    commission_attainment: float = Field(1.0, gt=0)
    engine: str = "ortools"
    company: StrictStr = ""
    documents: StrictStr = "SN-GG"
    commitments: Literal["show", "prefer", "pin"] = "show"

    @field_validator("goals")
    @classmethod
    def _all_goals(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if sorted(value) != sorted(GOALS):
            raise ValueError("Expected each of visits, base, stretch, contribution once.")
        return value

    @field_validator("as_of")
    @classmethod
    def _a_date(cls, value: str) -> str:
        if value:
            dt.date.fromisoformat(value)
        return value

    @field_validator("documents")
    @classmethod
    def _words_and_hyphens(cls, value: str) -> str:
        if not re.fullmatch(r"\w+(-\w+)*", value):
            raise ValueError("Expected words joined by hyphens, such as SN-GG.")
        return value


@dataclass(frozen=True)
class Model:
    """One business, checked: every table of the dictionary with every column, typed and in the order of its key.

    Attributes
    ----------
    name : str
        Name of the folder or workbook.
    settings : Settings
    tables : mapping of str to DataFrame
        Blank texts are ``""``, blank numbers without a default NaN, blank dates NaT; ``codes`` are tuples of str; flags are bool.
    findings : tuple of Finding
        Warnings and notes; a model with errors is never made.
    sha256 : str
        Hash of settings and tables.
    """

    name: str
    settings: Settings
    tables: Mapping[str, pd.DataFrame]
    findings: tuple[Finding, ...] = ()
    sha256: str = ""
    source: str = field(default="", compare=False)

    def __getitem__(self, table: str) -> pd.DataFrame:
        return self.tables[table]

    @functools.cached_property
    def calendar(self) -> Calendar:
        """Months and working days of the plan."""
        table = self["calendar"]
        exceptions: list[tuple[dt.date, bool]] = [
            (d.date(), bool(w)) for d, w in zip(table["date"], table["working"], strict=True)
        ]
        return Calendar(self.settings.start, self.settings.months, self.settings.country, tuple(exceptions))

    @functools.cached_property
    def pins(self) -> pd.DataFrame:
        """Fixed sums of quotas: unit, rep, product, period, level, amount, and the table and row (position) they come from.

        Rows of ``pins``, then, where commitments are taken as pins, those for whose cut no pin stands.
        """
        cut = ["unit", "rep", "product", "period", "level"]
        fixed = self["pins"].assign(table="pins", row=np.arange(len(self["pins"])))
        if self.settings.commitments != "pin" or self["commitments"].empty:
            return fixed
        offered = self["commitments"][[*cut, "amount"]]
        offered = offered.assign(table="commitments", row=np.arange(len(offered)))
        told = pd.MultiIndex.from_frame(offered[cut]).isin(pd.MultiIndex.from_frame(fixed[cut]))
        return pd.concat([fixed, offered[~told]], ignore_index=True)

    @functools.cached_property
    def past(self) -> int:
        """Number of the plan's first months that are over by ``as_of``: of them ``actuals`` tell what happened, nothing is planned."""
        day = self.settings.as_of
        return self.calendar.over(dt.date.fromisoformat(day)) if day else 0

    @functools.cached_property
    def ancestors(self) -> dict[str, tuple[str, ...]]:
        """For each unit: the unit itself, then its parents up to the top."""
        parent = dict(zip(self["units"]["unit"], self["units"]["parent"], strict=True))
        chains: dict[str, tuple[str, ...]] = {}
        for unit in parent:
            chain, at = [], unit
            while at:
                chain.append(at)
                at = parent.get(at, "")
            chains[unit] = tuple(chain)
        return chains

    def with_scenario(self, names: str) -> Model:
        """The model under scenarios, given by their names, joined by ``+``.

        Raises
        ------
        InputError
            With all findings: unknown scenarios, changes that cannot be made, and what is wrong with the changed model.
        """
        from allocator.scenarios.applying import with_scenarios  # here, because it builds on the model

        return with_scenarios(self, names).model
