"""The models whose plans are worked out by hand, and these plans."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from fractions import Fraction
from pathlib import Path

from audited import Frames, busy, busy_model, pocket, pocket_model
from doing import daily
from moved import moved, moved_model

from allocator.model import Model

ALL = Fraction(1)
SPENT = {
    # who has the lift of a line, in the month and those over which it carries; else the clients won, else the sales of his unit
    **{("promotion", month): {"wang": ALL} for month in ("2026-04", "2026-05", "2026-06")},
    **{("ads", month): {"bob": ALL} for month in ("2026-04", "2026-05", "2026-06")},
    ("push", "2026-04"): {"ann": ALL},
    ("push", "2026-05"): {"ann": Fraction(200, 350), "bob": Fraction(150, 350)},
    ("push", "2026-06"): {"bob": ALL},
    **{("bonus", month): {} for month in ("2026-04", "2026-05", "2026-06")},
}


@functools.cache
def models() -> dict[str, Model]:
    """Models by name; ``plain`` is the pocket model with nothing that shapes quotas but the company's revenue."""
    small = pocket_model()
    targets = small["targets"]
    tables = {**small.tables, "targets": targets[targets["share_of"] == ""].reset_index(drop=True)}
    plain = dataclasses.replace(small, tables=tables)
    with tempfile.TemporaryDirectory() as place:
        made = {"busy": busy_model(Path(place) / "busy"), "moved": moved_model(Path(place) / "moved")}
    return {"pocket": small, **made, "plain": plain}


@functools.cache
def plans() -> dict[str, Frames]:
    """Output files of the models, worked out by hand, and what sections 6 to 8 make of them day by day."""
    by_hand = {"pocket": pocket(), "busy": busy(), "moved": moved()}
    made = {name: {**frames, **daily(models()[name], frames, SPENT)} for name, frames in by_hand.items()}
    fewer = {file: made["pocket"][file].query("target != 'iot_share'") for file in ("targets", "asked")}
    return {**made, "plain": {**made["pocket"], **fewer}}
