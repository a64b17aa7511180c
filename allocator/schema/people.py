"""Checks of reps, clients, tiers, and who votes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allocator.periods import Calendar
from allocator.schema.findings import Report
from allocator.schema.units import chains
from allocator.texts import _

Frames = Mapping[str, pd.DataFrame]


def check_people(calendar: Calendar, frames: Frames, report: Report) -> None:
    """Check reps, then who can serve the clients, then promises."""
    reps, tiers = frames["reps"], frames["tiers"]
    says = _("A rep cannot be the own backup. Name another rep or leave it blank.")
    report.cells("error", "reps", "backup", says, reps, (reps["backup"] == reps["rep"]) & (reps["rep"] != ""), "backup")
    says = _("It is less than the least quota.")
    report.cells("error", "reps", "order", says, reps, reps["quota_max"] < reps["quota_min"], "quota_max")
    away = (reps["end"] < calendar.days[0]) | (reps["start"] > calendar.days[-1])
    says = _("The rep is not in post in any month of the plan.")
    report.cells("warning", "reps", "post", says, reps, away, "rep")
    says = _("More than the promised visits. Promise at least so many.")
    report.cells(
        "error", "tiers", "order", says, tiers, tiers["executive_visits"] > tiers["visits"], "executive_visits"
    )
    says = _("The visits of this tier take no time.")
    idle = (tiers["visits"] > 0) & (tiers["minutes"] == 0)
    report.cells("warning", "tiers", "minutes", says, tiers, idle, "minutes")
    _check_owners(frames, away, report)
    _check_served(frames, report)
    _check_voters(frames, report)


def _check_owners(frames: Frames, away: pd.Series, report: Report) -> None:
    """Find clients whose owner is never there and has no backup."""
    reps, clients = frames["reps"], frames["clients"]
    gone = set(reps.loc[away & (reps["backup"] == ""), "rep"])
    if gone:
        says = _("The owner is not in post in any month of the plan and has no backup.")
        report.cells("warning", "clients", "post", says, clients, clients["owner"].isin(list(gone)), "owner")


def _check_served(frames: Frames, report: Report) -> None:
    """Find clients without an owner whom no rep may take, by unit and product families."""
    clients, reps, products = frames["clients"], frames["reps"], frames["products"]
    free = clients[clients["owner"] == ""]
    if free.empty:
        return
    above = chains(frames["units"])
    family = pd.Series(products["family"].to_numpy(dtype=object), index=products["product"])
    family = family[~family.index.duplicated()].reindex(frames["demand"]["product"], fill_value="")
    wanted = pd.DataFrame({"client": frames["demand"]["client"], "family": family.to_numpy()})
    wanted = wanted[wanted["client"].isin(free["client"])].drop_duplicates().sort_values(["client", "family"])
    families = wanted.groupby("client")["family"].agg(tuple)
    need = pd.DataFrame({"unit": free["unit"], "families": free["client"].map(families)})
    need["families"] = [f if isinstance(f, tuple) else () for f in need["families"]]
    nobody = {
        (unit, wants): not _may_take(unit, wants, reps, above)
        for unit, wants in need.drop_duplicates().itertuples(index=False)
    }
    alone = [nobody[unit, wants] for unit, wants in need.itertuples(index=False)]
    positions = free.index.to_numpy(dtype=np.int64)[np.array(alone, dtype=bool)]
    says = _("No rep may take this client: none below its unit covers the families it buys. It gets no visits.")
    values = clients["client"].to_numpy(dtype=object)[positions]
    report.values("warning", "clients", "served", says, positions, "client", values)


def _may_take(unit: str, wants: tuple[str, ...], reps: pd.DataFrame, above: Mapping[str, tuple[str, ...]]) -> bool:
    return any(
        (not unit or unit in above.get(home, ())) and (not covers or set(wants) <= set(covers))
        for home, covers in zip(reps["unit"], reps["families"], strict=True)
    )


def _check_voters(frames: Frames, report: Report) -> None:
    """Find roles whose votes are asked for and that nobody has."""
    approvals = frames["approvals"]
    nobody = ~approvals["role"].isin(set(frames["voters"]["role"]))
    says = _("Nobody in voters has this role, so a plan that needs its votes cannot be published. Add who votes.")
    report.cells("warning", "approvals", "voters", says, approvals, nobody & (approvals["role"] != ""), "role")
