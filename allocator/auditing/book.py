"""The book of an audit: every rule checked, and where it does not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from allocator.texts import N_, _

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Axes = Sequence[Mapping[str, Any]]
"""For each dimension of what is checked, its labels: name → one value per position, or one text for all."""

TOLERANCE = 1e-6
"""Largest residual of a rule that holds, relative to max(1, the size of its terms)."""

COLUMNS = ("rule", "labels", "required", "found", "residual", "sentence")
EQUAL = N_("expected {required}, found {found}")
MOST = N_("expected at most {required}, found {found}")
LEAST = N_("expected at least {required}, found {found}")
FOUND = N_("found {found}")


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    rules : int
        Number of rules checked.
    violations : DataFrame
        rule (its English sentence), labels, required, found, residual, sentence (in the language in force).
    largest_residual : float
        Over all checks, those that hold included; relative to max(1, the size of the terms).
        A rule without a number in it counts 1 where it does not hold.
    checks : DataFrame
        One row per rule: rule, rows (checked), largest_residual.
    """

    rules: int
    violations: pd.DataFrame
    largest_residual: float
    checks: pd.DataFrame

    @property
    def clean(self) -> bool:
        """Whether every rule holds."""
        return self.violations.empty


@dataclass
class Book:
    """Collects checks; each is an array of residuals with labels for its axes."""

    _checks: dict[str, tuple[int, float]] = field(default_factory=dict)
    _found: list[pd.DataFrame] = field(default_factory=list)

    def equal(
        self,
        rule: str,
        axes: Axes,
        found: ArrayLike,
        required: ArrayLike,
        scale: ArrayLike = 0.0,
        within: ArrayLike = 0.0,
    ) -> None:
        """Check found = required, up to ``within`` in absolute terms."""
        self._enter(rule, axes, found, required, scale, lambda f, r: np.maximum(np.abs(f - r) - within, 0.0), EQUAL)

    def at_most(
        self, rule: str, axes: Axes, found: ArrayLike, required: ArrayLike = 0.0, scale: ArrayLike = 0.0
    ) -> None:
        """Check found ≤ required."""
        self._enter(rule, axes, found, required, scale, lambda f, r: np.maximum(f - r, 0.0), MOST)

    def at_least(
        self, rule: str, axes: Axes, found: ArrayLike, required: ArrayLike = 0.0, scale: ArrayLike = 0.0
    ) -> None:
        """Check found ≥ required."""
        self._enter(rule, axes, found, required, scale, lambda f, r: np.maximum(r - f, 0.0), LEAST)

    def holds(self, rule: str, axes: Axes, ok: ArrayLike, found: Any = "", required: Any = "") -> None:
        """Check what is true or not; ``found`` and ``required`` are shown (a value, or one per position)."""
        good = np.atleast_1d(np.asarray(ok, dtype=bool))
        self._count(rule, good.size, 0.0 if good.all() else 1.0)
        if not good.all():
            at = np.nonzero(~good)
            shown = [_pick(x, good.shape, at) for x in (found, required)]
            says = EQUAL if any(x != "" for x in shown[1]) else FOUND if any(x != "" for x in shown[0]) else ""
            self._report(rule, axes, at, shown[0], shown[1], np.ones(len(at[0])), says)

    def close(self) -> Audit:
        """Sum up."""
        checks = pd.DataFrame(
            [(r, n, x) for r, (n, x) in self._checks.items()], columns=["rule", "rows", "largest_residual"]
        )
        violations = pd.concat(self._found, ignore_index=True) if self._found else pd.DataFrame(columns=list(COLUMNS))
        return Audit(len(checks), violations, float(checks["largest_residual"].max()) if len(checks) else 0.0, checks)

    def _enter(
        self, rule: str, axes: Axes, found: ArrayLike, required: ArrayLike, scale: ArrayLike, excess: Any, says: str
    ) -> None:
        f, r = np.broadcast_arrays(
            np.atleast_1d(np.asarray(found, np.float64)), np.atleast_1d(np.asarray(required, np.float64))
        )
        least = np.maximum(np.asarray(scale, np.float64), 1.0)
        size = np.maximum(np.maximum(np.abs(f), np.where(np.isfinite(r), np.abs(r), 0.0)), least)
        with np.errstate(invalid="ignore"):
            residual = excess(f, r) / size
        residual = np.where(np.isnan(residual), np.inf, residual)
        self._count(rule, residual.size, float(residual.max(initial=0.0)))
        at = np.nonzero(residual > TOLERANCE)
        if len(at[0]):
            self._report(rule, axes, at, f[at], r[at], residual[at], says)

    def _count(self, rule: str, rows: int, largest: float) -> None:
        n, before = self._checks.get(rule, (0, 0.0))
        self._checks[rule] = (n + rows, max(before, largest))

    def _report(self, rule: str, axes: Axes, at: Any, found: Any, required: Any, residual: Floats, says: str) -> None:
        size = len(residual)
        labels = [""] * size
        for axis, positions in zip(axes, at, strict=False):
            for name, values in axis.items():
                part = [values] * size if isinstance(values, str) else np.asarray(values, object)[positions].tolist()
                labels = [f"{a}, {name}={b}" if a else f"{name}={b}" for a, b in zip(labels, part, strict=True)]
        texts = ([_text(x) for x in np.asarray(y).tolist()] for y in (required, found))
        head, says = _(rule), _(says)
        sentences = [
            head + (f" [{x}]" if x else "") + (": " + says.format(required=r, found=f) if says else "")
            for x, r, f in zip(labels, *texts, strict=True)
        ]
        self._found.append(
            pd.DataFrame(
                {
                    "rule": rule,
                    "labels": labels,
                    "required": np.asarray(required, dtype=object),
                    "found": np.asarray(found, dtype=object),
                    "residual": residual,
                    "sentence": sentences,
                }
            )
        )


def summed(positions: Any, amounts: Any, size: int) -> Floats:
    """Sum amounts by position, shape (size,)."""
    return np.asarray(np.bincount(np.ravel(positions), np.ravel(amounts), minlength=size), np.float64)


def _text(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _pick(values: Any, shape: tuple[int, ...], at: Any) -> NDArray[np.object_]:
    return np.asarray(np.broadcast_to(np.asarray(values, dtype=object), shape)[at])
