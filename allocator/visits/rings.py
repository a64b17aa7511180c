"""Groups of clients as rings: in which order their visits are dealt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.arrays import positions
from allocator.model import Model
from allocator.visits.areas import curve_positions
from allocator.visits.horizon import Bools, Floats, Ints

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Rings:
    """Groups, what the plan gives them, and their clients in order; a client with ``count`` stands for so many.

    Attributes
    ----------
    name : object array, shape (groups,)
    owner : int array, shape (groups,)
        Rep; −1 for none.
    backup : int array, shape (groups,)
        Who covers for the owner: the clients' own backup, else the owner's; −1 for none.
    first_day, last_day : int array, shape (groups,)
        Days from the plan's first one on which its clients are clients: from ``since`` to the day before ``lost_on``.
    tier : int array, shape (groups,)
    active, lost : bool array, shape (groups,)
    planned, first : float array, shape (groups, months)
        Visits and first visits of the plan.
    office : float array, shape (groups, months)
        Minutes of winning that are no visits.
    start, size : int array, shape (groups,)
        Where a group's clients stand in ``client``, and how many there are.
    client : int array, shape (clients with count,)
        Row of the client.
    number : int array
        n of ``client#n``; 0 where the row is one client.
    """

    name: NDArray[np.object_]
    owner: Ints
    backup: Ints
    first_day: Ints
    last_day: Ints
    tier: Ints
    active: Bools
    lost: Bools
    planned: Floats
    first: Floats
    office: Floats
    start: Ints
    size: Ints
    client: Ints
    number: Ints

    def only(self, groups: Ints) -> Rings:
        """Return some of the groups, with their clients."""
        if len(groups) == len(self.name):
            return self
        size = self.size[groups]
        begin = np.cumsum(size) - size
        rows = np.arange(int(size.sum())) + np.repeat(self.start[groups] - begin, size)
        of_groups = (
            *("name", "owner", "backup", "first_day", "last_day"),
            *("tier", "active", "lost", "planned", "first", "office", "size"),
        )
        picked = {field: getattr(self, field)[groups] for field in of_groups}
        return Rings(**picked, start=begin, client=self.client[rows], number=self.number[rows])


def make_rings(model: Model, tables: Tables, reps: NDArray[np.object_]) -> Rings:
    """Read a plan's groups and put their clients in order."""
    effort, months = tables["effort"], np.array(model.calendar.months, object)
    name = np.array(sorted(set(effort["group"])), object)
    at = positions(name, effort["group"]), positions(months, effort["month"])
    values = {c: _spread(effort[c], at, (len(name), len(months))) for c in ("planned", "first_visits", "minutes")}
    one = effort.drop_duplicates("group").set_index("group").reindex(name)
    owner = positions(reps, one["rep"].fillna("").astype(str))
    tiers = model["tiers"]
    tier = positions(tiers["tier"], one["tier"].astype(str))
    length = np.append(tiers["minutes"].to_numpy(float), 0.0)[tier]
    visiting = values["planned"] * length[:, None] + values["first_visits"] * first_minutes(model)
    row, group = _members(model, tables, name)
    count = model["clients"]["count"].to_numpy(np.int64)[row]
    client = np.repeat(row, count)
    number = np.arange(len(client)) - np.repeat(np.cumsum(count) - count, count) + 1
    members = np.repeat(group, count)
    size = np.bincount(members, minlength=len(name)).astype(np.int64)
    status = np.full(len(name), "active", object)
    status[group] = model["clients"]["status"].to_numpy(object)[row]
    first_day, last_day = _stays(model, row, group, len(name))
    return Rings(
        name=name,
        owner=owner,
        backup=_backups(model, reps, owner, row, group),
        first_day=first_day,
        last_day=last_day,
        tier=tier,
        active=status == "active",
        lost=status == "lost",
        planned=values["planned"],
        first=values["first_visits"],
        office=np.maximum(values["minutes"] - visiting, 0.0),
        start=np.cumsum(size) - size,
        size=size,
        client=client,
        number=np.where(np.repeat(count, count) > 1, number, 0),
    )


def _backups(model: Model, reps: NDArray[np.object_], owner: Ints, row: Ints, group: Ints) -> Ints:
    """Backup of each group: its clients' own, else that of its owner."""
    own = np.full(len(owner), -1, np.int64)
    own[group] = positions(reps, model["clients"]["backup"].to_numpy(object)[row])
    known = positions(model["reps"]["rep"], reps)
    backup = np.append(positions(reps, model["reps"]["backup"])[known], -1)
    found = np.where(own >= 0, own, backup[owner])
    return np.where((owner >= 0) & (found != owner), found, -1)


def _stays(model: Model, row: Ints, group: Ints, groups: int) -> tuple[Ints, Ints]:
    """First and last day on which the clients of each group are clients, within the plan; first > last where they never are."""
    clients, days = model["clients"], len(model.calendar.days)
    begin = np.datetime64(f"{model.settings.start}-01", "D")
    since, lost = (clients[c].to_numpy().astype("datetime64[D]") for c in ("since", "lost_on"))
    active = (clients["status"] == "active").to_numpy()
    first = np.where(active & ~np.isnat(since), (since - begin).astype(np.int64), 0)[row]
    last = np.where(active & ~np.isnat(lost), (lost - begin).astype(np.int64) - 1, days - 1)[row]
    of_group = np.zeros(groups, np.int64), np.full(groups, days - 1, np.int64)
    np.maximum.at(of_group[0], group, np.minimum(first, days))
    np.minimum.at(of_group[1], group, np.maximum(last, -1))
    return of_group


def first_minutes(model: Model) -> float:
    """Minutes of a first visit: those of the first stage of channel ``visits``."""
    stages = model["funnel"].query("channel == 'visits'").sort_values("step")
    return float(stages["minutes"].iloc[0]) if len(stages) else 0.0


def _spread(values: pd.Series, at: tuple[Ints, Ints], shape: tuple[int, int]) -> Floats:
    matrix = np.zeros(shape)
    np.add.at(matrix, at, np.maximum(values.to_numpy(float), 0.0))
    return matrix


def _members(model: Model, tables: Tables, name: NDArray[np.object_]) -> tuple[Ints, Ints]:
    """Rows of the clients in the order of their group and ring, and their groups."""
    clients = model["clients"]
    of = tables["assignments"].drop_duplicates("client").set_index("client")["group"]
    group = positions(name, of.reindex(clients["client"]))
    start = np.datetime64(f"{model.settings.start}-01")
    lost, since = (clients[c].to_numpy().astype("datetime64[D]") for c in ("lost_on", "since"))
    year = start.astype("datetime64[M]") - np.timedelta64(12, "M")
    late = lost >= year.astype("datetime64[D]")
    loyal = lost - since > np.timedelta64(731, "D")
    is_lost = clients["status"].to_numpy() == "lost"
    turn = np.where(is_lost & late & loyal, 0, 1)
    latest = np.where(is_lost & ~np.isnat(lost), -lost.astype(np.int64), 0)
    area = np.where(is_lost, "", clients["area"].to_numpy(object).astype(str))
    curve = np.where(is_lost, 0.0, curve_positions(clients))
    code = clients["client"].to_numpy(object).astype(str)
    order = np.lexsort((code, curve, area, latest, turn, group))
    order = order[group[order] >= 0]
    return order, group[order]
