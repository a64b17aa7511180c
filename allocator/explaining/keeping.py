"""Wishes that are missed anyway, held as far as the plan keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.explaining.rulebook import Item, Key, Rulebook, collected
from allocator.program import Family, Floats

LOOSE = 1e-7
"""What a kept wish may lose to the last digits, in its size."""

VISITS = ("visits", "", "")
Kept = Mapping[tuple[str, str, str], float]
"""By how much a wish may be missed, in its measure: by target, bound and repetition; by line; or all promised visits together."""


def kept_of(book: Rulebook, items: list[Item], short: Floats) -> Kept:
    """Say how far some missed wishes are kept where each atom is violated by so much of its size."""
    kept: dict[tuple[str, str, str], float] = {}
    inside = book.mask(items)
    natural = short * (book.atoms["size"] * book.atoms["factor"]).to_numpy(float)
    if (book.atoms["kind"].to_numpy(object)[inside] == "promise").any():
        kept[VISITS] = float(natural[(book.atoms["kind"] == "promise").to_numpy()].sum())
    rows = book.atoms[inside]
    for row, amount in zip(rows.to_dict("records"), natural[inside].tolist(), strict=True):
        if row["kind"] == "target":
            kept[str(row["target"]), str(row["bound"]), str(row["each"])] = amount
        elif row["kind"] == "within":
            kept[str(row["line"]), "line", ""] = amount
    return kept


def origin(item: Item) -> Key:
    """Key of the wish that a kept one is of; promised visits are kept all together."""
    labels = item.labels
    if labels["line"]:
        return ("within", f"line={labels['line']}")
    if labels["target"]:
        return ("target", f"target={labels['target']}", f"bound={labels['bound']}")
    return ("promise",)


def with_kept(book: Rulebook, kept: Kept) -> Rulebook:
    """The rulebook with a row for each kept wish behind its rows, an item of kind ``kept`` each."""
    atoms, program = book.atoms, book.program
    limits, found, rows = book.limits(), [], []
    for position, row in enumerate(atoms.to_dict("records")):
        name = (str(row["target"]), str(row["bound"]), str(row["each"]))
        if row["kind"] == "within":
            name = (str(row["line"]), "line", "")
        if row["kind"] not in ("target", "within") or name not in kept or not row["goal"]:
            continue
        bound = limits[position] - row["side"] * (kept[name] / row["factor"] + LOOSE * row["size"])
        found.append(row | {"held": np.nan, "bound_": bound})
        rows.append(sp.csr_array(program.matrix[[int(row["row"])]]))
    promised = atoms[atoms["kind"] == "promise"]
    if VISITS in kept and len(promised):
        each = promised["row"].to_numpy(int)
        total = float(program.row_lower[each].sum())
        row = promised.iloc[0].to_dict() | {"unit": "", "rep": "", "tier": "", "month": -1, "size": max(total, 1.0)}
        have = total - kept[VISITS]
        found.append(row | {"held": have, "bound_": have - LOOSE * total})
        rows.append(sp.csr_array(sp.csr_array(program.matrix[each]).sum(axis=0)[None, :]))
    if not found:
        return book
    begin = program.shape[0]
    more = pd.DataFrame(found).assign(row=begin + np.arange(len(found)), kind="kept", goal=True)
    bound, least = more["bound_"].to_numpy(float), more["side"].to_numpy(int) > 0
    longer = replace(
        program,
        matrix=sp.csr_array(sp.vstack([program.matrix, *rows], format="csr")),
        row_lower=np.concatenate([program.row_lower, np.where(least, bound, -np.inf)]),
        row_upper=np.concatenate([program.row_upper, np.where(least, np.inf, bound)]),
        row_families=(*program.row_families, Family("Kept", "", begin, begin + len(found), {})),
    )
    return collected(book.model, longer, [atoms, more.drop(columns="bound_")])
