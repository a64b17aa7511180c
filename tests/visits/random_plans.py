"""Small models and plans in which everything occurs: weeks and years, leave and backups, executives, mentors, lost clients, renewals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from allocator.model import Model

Frames = dict[str, pd.DataFrame]


def random_plan(base: Model, seed: int) -> tuple[Model, Frames]:
    """Return a model (columns and settings of ``base``) and the frames of a plan for it that is about what it promises."""
    rng = np.random.default_rng(seed)
    settings = base.settings.model_copy(update={"start": "2026-01", "months": int(rng.integers(2, 8))})
    tables: Frames = {
        "units": blank(base, "units", 2, unit=["top", "east"], parent=["", "top"], kind=["company", "team"])
    }
    tables |= people(rng, base)
    tables |= promises(rng, base)
    tables["clients"] = clients(rng, base, tables)
    tables |= {name: base[name].iloc[:0] for name in ("demand", "targets", "budget", "responses", "calendar")}
    model = replace(base, settings=settings, tables={**base.tables, **tables})
    return model, plan(rng, model)


def blank(model: Model, table: str, rows: int, **values: object) -> pd.DataFrame:
    """Rows of a table that are empty but for some columns."""
    columns = {}
    for name, column in model[table].items():
        text = column.dtype == object or pd.api.types.is_string_dtype(column.dtype)
        if name in ("weekdays", "blocked", "families", "specialty"):
            columns[name] = pd.Series([()] * rows, dtype=object)
        elif text:
            columns[name] = pd.Series([""] * rows, dtype=object)
        elif pd.api.types.is_datetime64_any_dtype(column.dtype):
            columns[name] = pd.Series(pd.NaT, index=range(rows), dtype="datetime64[s]")
        else:
            columns[name] = pd.Series(np.full(rows, np.nan))
    frame = pd.DataFrame(columns)
    for name, value in values.items():
        frame[str(name)] = value if np.ndim(value) == 0 else pd.Series(list(value), dtype=getattr(value, "dtype", None))  # type: ignore[call-overload]
    return frame


def people(rng: np.random.Generator, base: Model) -> Frames:
    """Three to five reps, one of them new; the first two back each other up; leave, a departure, fixed activities."""
    count = int(rng.integers(3, 6))
    codes = [f"r{k}" for k in range(count)]
    reps = blank(base, "reps", count, rep=codes, unit=rng.choice(["top", "east"], count), grade="engineer")
    reps["hours_per_day"] = rng.choice([4.0, 6.0, 8.0], count)
    reps["selling_share"] = rng.choice([0.5, 0.65, 1.0], count)
    reps["ramp_months"] = 0
    reps["visits_per_day"] = rng.choice([np.nan, 3.0, 5.0], count)
    reps["backup"] = [codes[1], codes[0], *rng.choice(["", codes[0]], count - 2)]
    reps.loc[count - 1, ["start", "ramp_months"]] = [pd.Timestamp("2025-11-03"), 5]
    reps.loc[1, "end"] = pd.Timestamp("2026-03-20") if rng.random() < 0.4 else pd.NaT
    away = pd.Timestamp("2026-01-12") + pd.to_timedelta(rng.integers(0, 60, 4), unit="D")
    leave = pd.DataFrame({"rep": rng.choice(codes, 4), "from": away})
    leave["to"] = leave["from"] + pd.to_timedelta(rng.integers(0, 15, 4), unit="D")
    leave = leave.drop_duplicates(["rep", "from"], ignore_index=True)
    activities = blank(
        base, "activities", 2, activity=["mentoring_new", "meeting"], scope=[f"rep={codes[0]}, {codes[2]}", ""]
    )
    activities["count"], activities["per"], activities["minutes"] = [2.0, 1.0], ["month", "week"], [90.0, 30.0]
    return {"reps": reps, "leave": leave, "activities": activities}


def promises(rng: np.random.Generator, base: Model) -> Frames:
    """Tiers of every period, executives and what contracts leave of them, a funnel of first visits."""
    tiers = blank(base, "tiers", 5, tier=list("WMQYN"), per=["week", "month", "quarter", "year", "month"])
    tiers["visits"] = [1.0, float(rng.integers(1, 4)), 4.0, 5.0, 0.5]
    tiers["minutes"] = rng.choice([30.0, 60.0, 90.0], 5) if rng.random() < 0.8 else 60.0
    tiers["spacing_days"] = [int(rng.choice([0, 4])), int(rng.choice([0, 7])), int(rng.choice([0, 10])), 20, 0]
    tiers["executive_visits"] = [0.0, 0.0, 1.0, 1.0, 0.0]
    tiers["renewal_lead_months"] = [0, 2, 3, 0, 0]
    tiers["visit_cost"] = 0.0
    needs = blank(base, "needs", 1, resource=["boss"], tier=["Q"])
    needs["hours"] = 3.0
    resources = blank(base, "resources", 2, resource=["boss", "boss"], month=["", "2026-02"])
    resources["hours"] = [float(rng.choice([6, 12, 30])), 5.0]
    funnel = blank(base, "funnel", 2, channel=["visits"] * 2, stage=["contact", "signing"])
    funnel["step"], funnel["conversion"], funnel["days"], funnel["minutes"] = [1, 2], 0.5, 10.0, [45.0, 120.0]
    return {"tiers": tiers, "needs": needs, "resources": resources, "funnel": funnel}


def clients(rng: np.random.Generator, base: Model, tables: Frames) -> pd.DataFrame:
    """About thirty clients, some of them segments, with wishes and blocked days, renewals and backups of their own; all have an owner.

    There are prospects and lost ones, and some who come or go in the year.
    """
    count = 30
    status = rng.choice(["active", "active", "active", "prospect", "lost"], count)
    frame = blank(base, "clients", count, client=[f"k{k:02d}" for k in range(count)], status=status)
    frame["tier"] = rng.choice(list("WMQYN"), count)
    frame["owner"] = rng.choice(tables["reps"]["rep"].to_numpy(object), count)
    frame["count"] = rng.choice([1, 1, 1, 5], count)
    frame["area"] = rng.choice(["a", "b", "c"], count) if rng.random() < 0.5 else ""
    if (frame["area"] == "").all():
        frame["latitude"], frame["longitude"] = rng.uniform(31, 31.5, count), rng.uniform(121, 121.6, count)
    ends = pd.Timestamp("2025-12-20") + pd.to_timedelta(rng.integers(0, 200, count), unit="D")
    frame["renewal"] = pd.Series(ends).where(rng.random(count) < 0.5)
    lost = pd.Timestamp("2024-06-01") + pd.to_timedelta(rng.integers(0, 570, count), unit="D")
    frame["lost_on"] = pd.Series(lost).where(status == "lost")
    frame["since"] = frame["lost_on"] - pd.to_timedelta(rng.integers(100, 1500, count), unit="D")
    passing = (status == "active") & (rng.random(count) < 0.3)
    comes = pd.Timestamp("2025-12-01") + pd.to_timedelta(rng.integers(0, 120, count), unit="D")
    frame["since"] = frame["since"].where(~passing, comes)
    goes = pd.Series(comes + pd.to_timedelta(rng.integers(1, 120, count), unit="D"))
    frame["lost_on"] = frame["lost_on"].where(~(passing & (rng.random(count) < 0.6)), goes)
    other = rng.choice(tables["reps"]["rep"].to_numpy(object), count)
    frame["backup"] = pd.Series(
        np.where((rng.random(count) < 0.3) & (other != frame["owner"]), other, ""), dtype=object
    )
    frame["weekdays"] = pd.Series(
        [tuple(rng.choice(list("12345"), 2, replace=False)) for _ in range(count)], dtype=object
    )
    month, day = rng.integers(1, 4, (count, 5)), rng.integers(1, 28, (count, 5))
    closed = [tuple(f"2026-{m:02d}-{d:02d}" for m, d in zip(*md, strict=True)) for md in zip(month, day, strict=True)]
    frame["blocked"] = pd.Series(closed, dtype=object)
    return frame


def plan(rng: np.random.Generator, model: Model) -> Frames:
    """A plan's ``effort``, ``assignments``, ``forecast``: promises, some of them not planned, and something beyond them."""
    rows = model["clients"]
    someone = rng.choice(model["reps"]["rep"].to_numpy(object), len(rows))
    rows = rows.assign(owner=rows["owner"].where(rows["owner"] != "", pd.Series(someone, index=rows.index)))
    own = model["reps"].set_index("rep")["backup"]
    rows["backup"] = rows["backup"].where(rows["backup"] != "", rows["owner"].map(own))
    days = model.calendar.days
    passing = (rows["status"] == "active") & ((rows["since"] > days[0]) | (rows["lost_on"] <= days[-1]))
    dates = [rows[c].where(passing).dt.strftime("%Y-%m-%d").fillna("") for c in ("since", "lost_on")]
    rows["group"] = rows[["owner", "tier", "status", "backup"]].agg("/".join, axis=1) + "/" + dates[0] + "/" + dates[1]
    tiers, calendar = model["tiers"].set_index("tier"), model.calendar
    months, found = calendar.count, []
    often = {
        "week": calendar.weeks.astype(float),
        "month": np.ones(months),
        "quarter": np.full(months, 1 / 3),
        "year": np.full(months, 1 / 12),
    }
    for group, members in rows.groupby("group"):
        tier = tiers.loc[members["tier"].iloc[0]]
        size, active = float(members["count"].sum()), members["status"].iloc[0] == "active"
        promised = size * tier["visits"] * often[tier["per"]] * active
        if active:
            promised = promised * stays(model, members.iloc[0], tier["per"])
        planned = promised * rng.choice([1.0, 1.0, rng.uniform(0.8, 1.4)])
        first = np.zeros(months) if active else rng.dirichlet(np.ones(months)) * size * rng.uniform(0.2, 0.9)
        for t, month in enumerate(calendar.months):
            minutes = planned[t] * tier["minutes"] + first[t] * 105
            rep = members["owner"].iloc[0]
            found.append((rep, tier.name, group, month, promised[t], planned[t], minutes, 0.0, 0.0, first[t], 0.0))
    names = ["rep", "tier", "group", "month", "promised", "planned", "minutes", "hours_available", "executive"]
    effort = pd.DataFrame(found, columns=[*names, "first_visits", "won"])
    assignments = pd.DataFrame({"client": rows["client"], "rep": rows["owner"], "backup": rows["backup"]})
    return {"effort": effort, "assignments": assignments.assign(**{"from": "", "to": "", "group": rows["group"]})}


def stays(model: Model, client: pd.Series, per: str) -> np.ndarray:
    """Share of each month, or of the months of its window, in which a client is one."""
    calendar = model.calendar
    last = calendar.days[-1] if pd.isna(client["lost_on"]) else client["lost_on"] - pd.Timedelta(days=1)
    first = calendar.days[0] if pd.isna(client["since"]) else client["since"]
    there = calendar.working & np.asarray((calendar.days >= first) & (calendar.days <= last))
    stay = np.bincount(calendar.day_month, weights=there, minlength=calendar.count) / calendar.working_days
    if per in ("week", "month"):
        return stay
    window = np.array(calendar.quarters) if per == "quarter" else np.zeros(calendar.count)
    return np.asarray(pd.Series(stay).groupby(window).transform("mean"))
