"""The funnel so far: the pipeline's shape, and how many go on from stage to stage and channel by channel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from allocator.health.limits import BELOW, LEADS, STAGE, UP_TO, Check, judged, not_made
from allocator.health.year import Year
from allocator.program import Floats
from allocator.reporting.amounts import count, share
from allocator.texts import _

FOUR = (5 / 11, 3 / 11, 2 / 11, 1 / 11)
"""Healthy shares of a channel of four stages that names none: 5 : 3 : 2 : 1."""

COLUMNS = ("channel", "step", "stage", "entered", "went_on", "conversion", "planned", "change", "before")
ALL = ""
"""Stage of a row that tells a whole channel."""


def pipeline_checks(year: Year) -> list[Check]:
    """Shape of the pipeline of each channel whose healthy shares are known."""
    funnel = year.model["funnel"]
    channels = {str(c): _healthy(rows) for c, rows in funnel.sort_values("step").groupby("channel")}
    healthy = {channel: shares for channel, shares in channels.items() if shares is not None}
    if not healthy:
        needs = _("The funnel names no healthy shares. Fill healthy in funnel for the stages of a channel.")
        return [not_made("pipeline_gap", needs), not_made("negotiating_share", needs)]
    return [check for channel, shares in healthy.items() for check in _of_channel(year, channel, shares)]


def _healthy(rows: pd.DataFrame) -> pd.Series | None:
    """Healthy share by stage, in order; None where it is not known."""
    told = rows[rows["healthy"] > 0]
    if len(told) > 1:
        return told.set_index("stage")["healthy"] / told["healthy"].sum()
    return pd.Series(FOUR, index=rows["stage"].to_list()) if told.empty and len(rows) == len(FOUR) else None


def _of_channel(year: Year, channel: str, healthy: pd.Series) -> list[Check]:
    counts = _standing(year, channel)
    counts = counts.reindex(healthy.index).fillna(0.0)
    total = float(counts.sum())
    if total <= 0:
        needs = _(
            "Nobody tells how many stand in each stage. Give rows of metric pipeline with their stage, or fill pipeline."
        )
        return [not_made(name, needs, channel) for name in ("pipeline_gap", "negotiating_share")]
    shares = counts / total
    gap = (shares - healthy).abs()
    worst = str(gap.idxmax())
    says = _("{channel}: {stages} ({shares}); healthy is {healthy}. Furthest off: {stage}, by {gap}.").format(
        channel=channel,
        stages=" : ".join(map(str, healthy.index)),
        shares=" : ".join(share(x) for x in shares),
        healthy=" : ".join(share(x) for x in healthy),
        stage=worst,
        gap=share(float(gap.max())),
    )
    limit = year.limits["negotiating_share"]
    talking = healthy.index[-2]
    slow = _("{channel}: {share} of the pipeline is in {stage}; from {limit} on signing is slow.").format(
        channel=channel, share=share(float(shares[talking])), stage=talking, limit=share(limit)
    )
    return [
        judged("pipeline_gap", channel, float(gap.max()), year.limits["pipeline_gap"], says),
        judged("negotiating_share", channel, float(shares[talking]), limit, slow),
    ]


def _standing(year: Year, channel: str) -> pd.Series:
    """How many stand in each stage of a channel: at the end of the last month, else in the table of open opportunities."""
    stages = year.actuals.stages
    rows = stages[(stages["metric"] == "pipeline") & (stages["month"] == year.actuals.past[-1])]
    rows = _in_channels(year, rows)
    if len(rows):
        return rows[rows["channel"] == channel].groupby("stage")["amount"].sum()
    open_ = _in_channels(year, year.model["pipeline"].assign(amount=1.0))
    return open_[open_["channel"] == channel].groupby("stage")["amount"].sum()


def _in_channels(year: Year, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with their channel, where blank that of the only channel that has the stage."""
    funnel = year.model["funnel"]
    only = funnel.drop_duplicates("stage", keep=False).set_index("stage")["channel"].astype(object)
    own = only.reindex(rows["stage"]).fillna("").to_numpy(object)
    return rows.assign(channel=rows["channel"].astype(object).where(rows["channel"] != "", own))


def conversions(year: Year) -> pd.DataFrame:
    """How many went on from each stage, and from lead to client, in the last months.

    Returns
    -------
    DataFrame
        channel, step, stage (blank: the whole channel), entered (so many, the stage's days before), went_on, conversion, planned
        (the funnel's), change (relative to it), before (the conversion of as many months before these). What is not told is NaN.
    """
    funnel, found = year.model["funnel"], []
    entered = _entered(year)
    for channel, rows in funnel.sort_values("step").groupby("channel", sort=True):
        stages = rows.to_dict("records")
        won = _won(year, str(channel))
        series = [entered.get((str(channel), str(s["stage"]))) for s in stages]
        for k, stage in enumerate(stages):
            onwards = won if k + 1 == len(stages) else series[k + 1]
            found.append((channel, stage["step"], stage["stage"], *_rate(year, series[k], onwards, stage["days"]),
                          float(stage["conversion"])))  # fmt: skip
        whole = _rate(year, series[0], won, float(rows["days"].sum()))
        found.append((channel, np.nan, ALL, *whole, float(rows["conversion"].to_numpy(float).prod())))
    names = ["channel", "step", "stage", "entered", "went_on", "conversion", "before", "planned"]
    table = pd.DataFrame(found, columns=names)
    numbers = ["step", "entered", "went_on", "conversion", "before", "planned"]
    table = table.astype(dict.fromkeys(numbers, float)).astype({"channel": "str", "stage": "str"})
    return table.assign(change=table["conversion"] / table["planned"] - 1)[list(COLUMNS)]


def _entered(year: Year) -> dict[tuple[str, str], Floats]:
    """How many entered each stage of each channel, by month that is over."""
    stages = year.actuals.stages
    rows = _in_channels(year, stages[stages["metric"] == "entered"])
    return {(str(c), str(s)): year.by_month(part) for (c, s), part in rows.groupby(["channel", "stage"]) if c}


def _won(year: Year, channel: str) -> Floats | None:
    """New clients of a channel by month; those without a channel count where there is but one."""
    rows, channels = year.actuals.of("new_clients"), set(year.model["funnel"]["channel"])
    mine = rows["channel"] == channel
    if len(channels) == 1:
        mine |= rows["channel"] == ""
    named = mine.any() or (len(rows) > 0 and (rows["channel"] != "").all())
    return year.by_month(rows[mine]) if named else None


def _rate(year: Year, entered: Floats | None, onwards: Floats | None, days: float) -> tuple[float, float, float, float]:
    """Entered, went on, their ratio, and the ratio of the months before; a month's follow those of the stage's days earlier."""
    if entered is None or onwards is None:
        return (np.nan if entered is None else float(entered.sum()), np.nan, np.nan, np.nan)
    lag, last = math.floor(days / 30 + 0.5), year.past
    window = year.limits.months("conversion_months")
    spans = [(max(last - k * window, lag), last - (k - 1) * window) for k in (1, 2)]
    sums = [
        (float(entered[a - lag : b - lag].sum()), float(onwards[a:b].sum())) if b > a else (0.0, 0.0) for a, b in spans
    ]
    ratio = [on / into if into > 0 else np.nan for into, on in sums]
    return sums[0][0], sums[0][1], ratio[0], ratio[1]


def conversion_checks(year: Year, table: pd.DataFrame) -> list[Check]:
    """A falling conversion of a stage, and the conversion of leads."""
    if year.model["funnel"].empty:
        return [not_made("conversion_fall", _("The model has no funnel."))]
    checks = []
    for row in table[table["stage"] != ALL].to_dict("records"):
        checks.append(_stage_check(year, row))
    needs = {c.says for c in checks if math.isnan(c.value)}
    if len(needs) == 1 and all(math.isnan(c.value) for c in checks):  # told once, not stage by stage
        checks = [not_made("conversion_fall", _needs_entered())]
    return [*checks, *_leads_check(year, table)]


def _needs_entered() -> str:
    return _(
        "Nobody tells how many entered the stages. Give rows of metric entered with channel and stage, and new_clients with channel."
    )


def _stage_check(year: Year, row: dict[Any, Any]) -> Check:
    scope = f"{row['channel']}/{row['stage']}"
    least = year.limits["conversion_least"]
    entered, conversion, planned = (float(row[c]) for c in ("entered", "conversion", "planned"))
    own = f"{row['stage']}{STAGE}"
    name = own if own in year.limits.named else "conversion_fall"
    if math.isnan(conversion):
        return not_made(name, _needs_entered(), scope)
    if entered < least:
        needs = _("Only {entered} entered {scope}; with fewer than {least} a conversion says nothing.")
        return not_made(name, needs.format(entered=count(entered), scope=scope, least=count(least)), scope)
    says = _("{scope}: {conversion} go on, {went_on} of {entered}; the funnel has {planned}.").format(
        scope=scope, conversion=share(conversion), went_on=count(float(row["went_on"])), entered=count(entered),
        planned=share(planned),
    )  # fmt: skip
    if name == own:
        return judged(own, scope, conversion, year.limits[own], says, UP_TO)
    threshold = (1 - year.limits["conversion_fall"]) * planned
    return judged(name, scope, conversion, threshold, says, UP_TO)


def lead_channels(year: Year) -> list[str]:
    """Channels that budget lines feed with leads."""
    fed = set(year.model["yields"].query("metric == 'leads'")["source"])
    lines = year.model["budget"]
    channels = set(lines.loc[lines["line"].isin(list(fed)), "channel"]) - {""}
    return sorted(channels & set(year.model["funnel"]["channel"]))


def _leads_check(year: Year, table: pd.DataFrame) -> list[Check]:
    if LEADS not in year.limits.named or year.actuals.told(LEADS):
        return []
    whole = table[(table["stage"] == ALL) & table["channel"].isin(lead_channels(year))]
    if whole.empty or whole["conversion"].isna().any():
        return [not_made(LEADS, _needs_entered())]
    value, limit = float(whole["went_on"].sum() / whole["entered"].sum()), year.limits[LEADS]
    says = _("Of the leads of {channels} {share} became clients; expected are {limit}.").format(
        channels=_(", ").join(whole["channel"]), share=share(value), limit=share(limit)
    )
    return [judged(LEADS, "", value, limit, says, BELOW)]
