"""One person more or less in a unit: who comes or goes, and which clients change hands."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocator.explaining.relief import HERE
from allocator.formulation.grain import make_grain
from allocator.model import Model
from allocator.reporting.table_text import cell_text
from allocator.scenarios.scenario import Change, Texts

COPIED = ("grade", "hours_per_day", "selling_share", "visits_per_day")
"""What a newcomer has of the rep in the middle of the unit."""


def heads_changes(model: Model, unit: str, more: int) -> list[Change]:
    """Changes of the tables for people who come to a unit, or leave it.

    A newcomer is like the unit's rep of median selling time, without a ramp, and is there for all months that are not over; so many
    clients of each rep come to the newcomers that all have about the same promised hours to work. Those leave who have least to work;
    their clients go to the others of the unit in the same way.

    Parameters
    ----------
    model : Model
    unit : str
        Reps directly in it count.
    more : int
        Below 0 people leave; at least one stays.
    """
    if more == 0:
        return []
    load = _load(model)
    peers = model["reps"][model["reps"]["unit"] == unit]
    if more > 0:
        return _come(model, unit, more, peers, load[load["rep"].isin(peers["rep"])])
    return _go(model, -more, peers, load)


def _load(model: Model) -> pd.DataFrame:
    """Hours a month that are promised to each client, the largest first: client, rep, load."""
    grain = make_grain(model)
    minutes = model["tiers"].set_index("tier")["minutes"]
    group = grain.clients["group"].to_numpy(int)
    members = grain.groups["members"].to_numpy(float)[group]
    hours = (grain.even_promise.mean(axis=1) * minutes.reindex(grain.groups["tier"]).to_numpy(float) / 60)[group]
    owner = grain.clients["rep"].to_numpy(int)
    rep = np.where(owner >= 0, np.asarray(grain.people.code, object)[np.maximum(owner, 0)], "")
    each = np.nan_to_num(hours * grain.clients["count"].to_numpy(float) / np.maximum(members, 1.0))
    frame = pd.DataFrame({"client": grain.clients["client"].to_numpy(object), "rep": rep, "load": each})
    return frame.sort_values(["load", "client"], ascending=[False, True], ignore_index=True)


def first_day(model: Model) -> pd.Timestamp:
    """First day of the months that are not over."""
    return pd.Timestamp(f"{model.calendar.months[model.past]}-01")


def _come(model: Model, unit: str, count: int, peers: pd.DataFrame, load: pd.DataFrame) -> list[Change]:
    time = peers["hours_per_day"].to_numpy(float) * peers["selling_share"].to_numpy(float)
    like = peers.iloc[int(np.argsort(time, kind="stable")[len(peers) // 2])]
    told = {c: cell_text(like[c]) for c in COPIED if not pd.isna(like[c])}
    told |= {"start": f"{first_day(model):%Y-%m-%d}"} if model.past else {}
    taken, names = set(peers["rep"]), []
    for number in range(1, count + 1):
        names.append(
            next(n for n in (f"{unit} new {number}{'+' * k}" for k in range(len(taken) + 2)) if n not in taken)
        )
    rows = [{"rep": name, "unit": unit, **told} for name in names]
    found = [Change("reps", {}, "append", rows[0], HERE, more=tuple(rows[1:]))]
    share = count / (count + len(peers))
    moved = []
    for rep, mine in load.groupby("rep", sort=True):
        left = share * float(mine["load"].sum())
        for client, hours in mine[["client", "load"]].itertuples(index=False):
            if 0 < hours <= left * (1 + 1e-9):
                moved.append((client, hours, str(rep)))
                left -= hours
    return found + _handed(moved, dict.fromkeys(names, 0.0), came=True, past=bool(model.past))


def _go(model: Model, count: int, peers: pd.DataFrame, load: pd.DataFrame) -> list[Change]:
    last = f"{first_day(model) - pd.Timedelta(days=1):%Y-%m-%d}"
    full = load.groupby("rep")["load"].sum().reindex(peers["rep"]).fillna(0.0)
    codes = list(full.sort_values(kind="stable").index)
    gone = codes[: min(count, len(codes) - 1)]
    mine = load[load["rep"].isin(gone)]
    stay = {str(code): float(full[code]) for code in codes if code not in gone}
    handed = list(mine[["client", "load", "rep"]].itertuples(index=False, name=None))
    found = _handed(handed, stay, came=False, past=bool(model.past))
    leave: dict[str, Texts] = {"rep": tuple(str(code) for code in gone)}
    cells = {"end": last} if model.past else {"start": "", "end": last}
    return [*found, Change("reps", leave, "set", cells, HERE)] if gone else []


def _handed(moved: list[tuple[str, float, str]], to: dict[str, float], *, came: bool, past: bool) -> list[Change]:
    """Each client to who has least so far.

    In a plan of which months are over the one who had it carries it in these: before a newcomer comes, or until he leaves.
    """
    gets: dict[tuple[str, str], list[str]] = {}
    for client, hours, old in sorted(moved, key=lambda m: (-m[1], m[0])):
        new = min(to, key=lambda code: (to[code], code))
        to[new] += hours
        gets.setdefault((new, old if past else ""), []).append(client)
    found = []
    for (new, old), clients in gets.items():
        where: dict[str, Texts] = {"client": tuple(clients)}
        cells = {"backup": new} if past and not came else {"owner": new, "backup": old}
        found.append(Change("clients", where, "set", cells, HERE))
    return found
