"""The schedule once more, as a checker: what is wrong with dated visits, from the model and the frames alone, one row at a time."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from allocator.model import Model
from oracles.facts import Facts, Row, rows

EPS = 1e-6
PURPOSES = {"executive", "mentoring", "renewal", "recovery", "prospect", "promised", "extra"}
REASONS = {"not planned", "no day in the window", "rep full", "executive full"}


class Checker:
    """Everything that ``docs/schedule.md`` promises of a schedule."""

    def __init__(
        self, model: Model, tables: Mapping[str, pd.DataFrame], visits: pd.DataFrame, unplaced: pd.DataFrame
    ) -> None:
        self.model, self.facts = model, Facts(model)
        self.visits, self.unplaced = records(visits), records(unplaced)
        self.effort = records(tables["effort"])
        self.group = {r["client"]: r["group"] for r in records(tables["assignments"])}
        self.owner = {r["group"]: r["rep"] for r in self.effort}
        self.forecast = records(tables["forecast"]) if "forecast" in tables else []
        self.reps = {r["rep"]: r for r in rows(model, "reps")}
        self.leave = defaultdict(list)
        for row in rows(model, "leave"):
            self.leave[row["rep"]].append((row["from"], row["to"]))
        self.worked = {d for t in range(self.facts.T) for d in self.facts.worked[t]}
        self.month_of = {d: t for t in range(self.facts.T) for d in self.facts.days[t]}
        self.windows = self._windows()

    def violations(self) -> list[str]:
        """Sentences about everything that is wrong."""
        checks = (
            self.places_and_people,
            self.once_a_day_and_spacing,
            self.days_hold,
            self.months_hold,
            self.promises_add_up,
            self.plans_add_up,
            self.executives_are_there,
            self.mentors_are_there,
            self.purposes_hold,
            self.lost_come_in_order,
            self.nothing_waits_beside_room,
        )
        return [f"{check.__name__}: {says}" for check in checks for says in check()]

    # What rows say

    def client(self, name: str) -> Row:
        """Return the client's row; ``client#n`` is one of ``count``."""
        code, _hash, number = name.partition("#")
        row = self.facts.clients[code]
        right = 1 <= int(number) <= row["count"] if number else row["count"] == 1
        if not right:
            raise ValueError(name)
        return row

    def tier(self, name: str) -> Row:
        """Return the tier of a client."""
        return self.facts.tiers[self.client(name)["tier"]]

    def there(self, rep: str, day: dt.date) -> bool:
        """Whether a rep works on a day."""
        row = self.reps[rep]
        inside = (row["start"] or day) <= day <= (row["end"] or day)
        return day in self.worked and inside and not any(a <= day <= b for a, b in self.leave[rep])

    def backup(self, client: Row) -> str:
        """Who covers for a client's owner: its own backup, else the owner's."""
        return str(client["backup"] or self.reps[self.owner[self.group[client["client"]]]]["backup"])

    def stays(self, client: Row, day: dt.date) -> bool:
        """Whether a client is one on a day."""
        if client["status"] != "active":
            return True
        return not (client["since"] and day < client["since"]) and not (client["lost_on"] and day >= client["lost_on"])

    def _windows(self) -> dict[str, dict[str, list[dt.date]]]:
        facts = self.facts
        days = sorted(self.month_of)
        found: dict[str, dict[str, list[dt.date]]] = {
            k: defaultdict(list) for k in ("week", "month", "quarter", "year")
        }
        for day in days:
            week = day.isocalendar()
            found["week"][f"{week[0]}-W{week[1]:02d}"].append(day)
            found["month"][facts.months[self.month_of[day]]].append(day)
            found["quarter"][facts.quarters[self.month_of[day]]].append(day)
            found["year"][f"{facts.months[0]}/{facts.months[-1]}"].append(day)
        found["week"] = {w: ds for w, ds in found["week"].items() if self.worked & set(ds)}
        return found

    def promises(self, client: Row) -> dict[str, float]:
        """Visits that a client is promised in each window."""
        tier = self.facts.tiers[client["tier"]]
        if tier["per"] == "week":
            return {week: float(tier["visits"] * times) for week, times in self._weeks(client).items()}
        stay, found = self.facts.stay(client), {}
        for window, days in self.windows[tier["per"]].items():
            months = {self.month_of[d] for d in days}
            factor = {"month": 1.0, "quarter": len(months) / 3, "year": len(months) / 12}[tier["per"]]
            found[window] = float(tier["visits"] * factor * sum(stay[t] for t in months) / len(months))
        return found

    def _weeks(self, client: Row) -> dict[str, float]:
        """What each week has of the promises of the months, a week's promise being 1 where the client is one all year."""
        times = dict.fromkeys(self.windows["week"], 0.0)
        if all(self.stays(client, d) for d in self.worked):
            return dict.fromkeys(times, 1.0)
        worked = {week: [d for d in days if d in self.worked] for week, days in self.windows["week"].items()}
        counts = {week: Counter(self.month_of[d] for d in days) for week, days in worked.items()}
        home = {week: min(count, key=lambda t: (-count[t], t)) for week, count in counts.items()}
        for t, stay in enumerate(self.facts.stay(client)):
            mine = {
                week: sum(self.stays(client, d) for d in worked[week]) / len(worked[week])
                for week in times
                if home[week] == t
            }
            if not sum(mine.values()):  # its days of the month lie in a week of another month
                there = [d for d in self.facts.worked[t] if self.stays(client, d)]
                mine = {week: float(len(set(there) & set(days))) for week, days in worked.items()}
            for week, part in mine.items():
                times[week] += self.facts.weeks[t] * stay * part / max(sum(mine.values()), EPS)
        return times

    # Rules

    def places_and_people(self) -> Iterator[str]:
        """Every visit is a client's, on a working day of a rep who may make it, within its window, as long as it should be."""
        first = first_minutes(self.model)
        for v in self.visits:
            client, day = self.client(v["client"]), v["date"]
            tier = self.facts.tiers[client["tier"]]
            owner = self.owner[self.group[client["client"]]]
            if v["owner"] != owner or v["tier"] != client["tier"] or v["purpose"] not in PURPOSES:
                yield f"{v} is not the client's"
            if not self.there(v["rep"], day):
                yield f"{v['rep']} does not work on {day}"
            if v["rep"] != owner and (self.backup(client) != v["rep"] or self.there(owner, day)):
                yield f"{v['rep']} visits {v['client']} of {owner} on {day}"
            if str(day) in {str(b) for b in client["blocked"]}:
                yield f"{v['client']} cannot be visited on {day}"
            if not self.stays(client, day):
                yield f"{v['client']} is no client on {day}"
            new = client["status"] != "active"
            if day not in self.windows["month" if new else tier["per"]][v["window"]]:
                yield f"{day} is outside {v['window']}"
            if v["minutes"] != (first if new else round(tier["minutes"])):
                yield f"{v['client']} on {day}: {v['minutes']} minutes"

    def once_a_day_and_spacing(self) -> Iterator[str]:
        """Visits of a client are on different days, and keep their distance."""
        for name, days in self._by_client().items():
            gap = max(self.tier(name)["spacing_days"], 1)
            for a, b in itertools.pairwise(days):
                if (b - a).days < gap:
                    yield f"{name}: {a} and {b} are nearer than {gap} days"

    def _by_client(self) -> dict[str, list[dt.date]]:
        found: dict[str, list[dt.date]] = defaultdict(list)
        for v in self.visits:
            found[v["client"]].append(v["date"])
        return {name: sorted(days) for name, days in found.items()}

    def loads(self) -> tuple[Counter[tuple[str, dt.date]], Counter[tuple[str, dt.date]], Counter[tuple[str, int]]]:
        """Minutes and visits of days, and minutes of months, by rep; a mentor's day holds the visit he goes along on."""
        minutes: Counter[tuple[str, dt.date]] = Counter()
        visits: Counter[tuple[str, dt.date]] = Counter()
        months: Counter[tuple[str, int]] = Counter()
        for v in self.visits:
            minutes[v["rep"], v["date"]] += v["minutes"]
            visits[v["rep"], v["date"]] += 1
            months[v["rep"], self.month_of[v["date"]]] += v["minutes"]
            if v["purpose"] == "mentoring":
                minutes[v["with"], v["date"]] += v["minutes"]
        return minutes, visits, months

    def day_minutes(self, rep: str) -> int:
        """Selling minutes of a rep's day."""
        return math.floor(60 * self.reps[rep]["hours_per_day"] * self.reps[rep]["selling_share"] + EPS)

    def days_hold(self) -> Iterator[str]:
        """A day holds its selling time and so many visits."""
        minutes, visits, _months = self.loads()
        for (rep, day), used in minutes.items():
            if used > self.day_minutes(rep):
                yield f"{rep} on {day}: {used} minutes"
        for (rep, day), count in visits.items():
            most = self.reps[rep]["visits_per_day"]
            if most is not None and count > most + EPS:
                yield f"{rep} on {day}: {count} visits"

    def month_limits(self) -> dict[tuple[str, int], float]:
        """Minutes of the months' hours without the time of winning that is no visit."""
        facts = self.facts
        limit = {(r, t): 60 * facts.reps[r].hours[t] for r in facts.reps for t in range(facts.T)}
        first = first_minutes(self.model)
        backups = {self.group[c]: self.backup(row) for c, row in self.facts.clients.items() if self._owned(c)}
        for row in self.effort:
            owner = row["rep"]
            if not owner:
                continue
            t = facts.months.index(row["month"])
            visiting = row["planned"] * facts.tiers[row["tier"]]["minutes"] if row["tier"] in facts.tiers else 0.0
            office = max(row["minutes"] - visiting - row["first_visits"] * first, 0.0)
            backup = backups[row["group"]]
            backed = (
                backup and any(not self.there(owner, d) and self.there(backup, d) for d in self.worked)
                if office > EPS
                else False
            )
            share = facts.reps[owner].share[t] if backed else 1.0
            limit[owner, t] -= office * share
            if backed:
                limit[backup, t] -= office * (1 - share)
        return limit

    def _owned(self, code: str) -> bool:
        return bool(self.owner.get(self.group.get(code, ""), ""))

    def months_hold(self) -> Iterator[str]:
        """A month holds its hours."""
        limit = self.month_limits()
        for (rep, t), used in self.loads()[2].items():
            if used > limit[rep, t] + EPS:
                yield f"{rep} in {self.facts.months[t]}: {used} minutes of {limit[rep, t]}"

    def promises_add_up(self) -> Iterator[str]:
        """Promised = scheduled + unplaced, for each client and window; whole numbers of what is not whole, group by group."""
        count: Counter[tuple[str, str]] = Counter()
        for row in (*self.visits, *self.unplaced):
            count[row["client"], row["window"]] += row["promised"] == "yes"
        groups: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0])
        for code, client in self.facts.clients.items():
            if client["status"] != "active" or client["tier"] not in self.facts.tiers or code not in self.group:
                continue
            for window, promise in self.promises(client).items():
                for name in names(code, client["count"]):
                    got = count.pop((name, window), 0)
                    if not math.floor(promise + EPS) <= got <= math.ceil(promise - EPS):
                        yield f"{name} in {window}: promised {promise}, accounted for {got}"
                    groups[self.group[code], window][0] += promise
                    groups[self.group[code], window][1] += got
        running: dict[str, float] = defaultdict(float)
        for (group, window), (promise, got) in sorted(groups.items()):
            running[group] += promise - got
            if abs(running[group]) > 0.5 + EPS:
                yield f"{group} until {window}: {running[group]} promised visits are not accounted for"
        yield from (f"{name} in {window}: {n} too many" for (name, window), n in count.items() if n)

    def plans_add_up(self) -> Iterator[str]:
        """A group's visits, dated or not, are the plan's but for fractions; first visits likewise, each client once."""
        planned: dict[str, float] = defaultdict(float)
        first: dict[str, float] = defaultdict(float)
        for row in self.effort:
            planned[row["group"]] += row["planned"]
            first[row["group"]] += row["first_visits"]
        seen: Counter[str] = Counter()
        new: Counter[str] = Counter()
        for row in (*self.visits, *self.unplaced):
            client = self.client(row["client"])
            if row.get("reason") != "not planned":
                (seen if client["status"] == "active" else new)[self.group[client["client"]]] += 1
        for group in planned:
            if abs(seen[group] - planned[group]) > 2:
                yield f"{group}: {seen[group]} visits of {planned[group]} planned"
            if abs(new[group] - first[group]) > 0.5 + EPS:
                yield f"{group}: {new[group]} first visits of {first[group]} planned"
        every = [r["client"] for r in (*self.visits, *self.unplaced)]
        again = Counter(name for name in every if self.client(name)["status"] != "active")
        yield from (f"{name} is first visited {n} times" for name, n in again.items() if n > 1)

    def executives_are_there(self) -> Iterator[str]:
        """Resources' days and months hold the visits with an executive; the tier's ratio of visits has one."""
        needs = [n for n in rows(self.model, "needs") if n["hours"] > 0]
        led = {k for k, t in self.facts.tiers.items() if t["executive_visits"] > 0}
        for resource in {n["resource"] for n in needs if n["tier"] in led}:
            hours = {n["tier"]: n["hours"] for n in needs if n["resource"] == resource and n["tier"]}
            largest = max(h for k, h in hours.items() if k in led)
            of_day: Counter[dt.date] = Counter()
            of_month: Counter[int] = Counter()
            for v in self.visits:
                if v["purpose"] == "executive" and v["tier"] in hours:
                    if resource not in v["with"].split():
                        yield f"{v} goes without {resource}"
                    of_day[v["date"]] += hours[v["tier"]]
                    of_month[self.month_of[v["date"]]] += hours[v["tier"]]
            for t, month in enumerate(self.facts.months):
                left = self._pool(resource, month, needs)
                if of_month[t] > left + EPS:
                    yield f"{resource} in {month}: {of_month[t]} hours of {left}"
                a_day = math.ceil(left / max(len(self.facts.worked[t]), 1) / largest - EPS) * largest
                yield from (f"{resource} on {d}: {of_day[d]} hours" for d in self.facts.days[t] if of_day[d] > a_day)
        yield from self._executive_share(led)

    def _executive_share(self, led: set[str]) -> Iterator[str]:
        total: Counter[str] = Counter()
        with_one: Counter[str] = Counter()
        for row in (*self.visits, *self.unplaced):
            if (
                row["tier"] in led
                and row.get("reason") != "not planned"
                and row["purpose"] not in ("prospect", "recovery")
            ):
                group = self.group[self.client(row["client"])["client"]]
                total[group] += 1
                with_one[group] += row["purpose"] == "executive"
        for group, count in total.items():
            tier = self.facts.tiers[next(r["tier"] for r in self.effort if r["group"] == group)]
            expected = count * min(tier["executive_visits"] / tier["visits"], 1.0)
            if abs(with_one[group] - expected) > 1:
                yield f"{group}: {with_one[group]} visits with an executive, not {expected}"

    def _pool(self, resource: str, month: str, needs: list[Row]) -> float:
        rows_ = {r["month"]: r["hours"] for r in rows(self.model, "resources") if r["resource"] == resource}
        each = {n["product"]: n["hours"] for n in needs if n["resource"] == resource and n["product"]}
        used = sum(
            each[f["product"]] * float(f["contracts"] or 0)
            for f in self.forecast
            if f["product"] in each and f["month"] == month
        )
        return float(rows_.get(month, rows_.get("", 0.0)) - used)

    def mentors_are_there(self) -> Iterator[str]:
        """A mentor is there, goes along once a day, with a rep who is new, and not more often than his activity says."""
        allowed: Counter[str] = Counter()
        days: Counter[tuple[str, dt.date]] = Counter()
        for v in self.visits:
            if v["purpose"] != "mentoring":
                continue
            if not self.there(v["with"], v["date"]):
                yield f"{v['with']} does not work on {v['date']}"
            if self.facts.reps[v["rep"]].ramp[self.month_of[v["date"]]] >= 1:
                yield f"{v['rep']} is not new on {v['date']}"
            days[v["with"], v["date"]] += 1
            allowed[v["with"]] += 1
        yield from (f"{rep} goes along {n} times on {day}" for (rep, day), n in days.items() if n > 1)
        times = sum(
            a["count"]
            * {"week": sum(self.facts.weeks), "month": self.facts.T, "quarter": self.facts.T / 3, "year": 1}[a["per"]]
            for a in rows(self.model, "activities")
            if a["activity"].partition("_")[0] == "mentoring"
        )
        yield from (f"{rep} goes along {n} times" for rep, n in allowed.items() if n > times + 1)

    def purposes_hold(self) -> Iterator[str]:
        """Purposes are those of the table in their order, and every visit of a renewal series is in it."""
        for v in self.visits:
            client = self.client(v["client"])
            tier = self.facts.tiers[client["tier"]]
            if v["purpose"] in ("executive", "mentoring"):
                continue
            if client["status"] != "active":
                right = "recovery" if client["status"] == "lost" else "prospect"
            elif in_series(v["date"], client["renewal"], tier["renewal_lead_months"]):
                right = "renewal"
            else:
                right = "promised" if v["promised"] == "yes" else "extra"
            if v["purpose"] != right:
                yield f"{v['client']} on {v['date']}: {v['purpose']}, not {right}"
        yield from (f"{u} has no reason" for u in self.unplaced if u["reason"] not in REASONS)

    def lost_come_in_order(self) -> Iterator[str]:
        """Lost clients: within the last year after more than two years first, then the latest, month after month."""
        start = dt.date(*map(int, self.facts.months[0].split("-")), 1)
        year = start.replace(year=start.year - 1)
        months: dict[str, list[tuple[str, tuple[bool, int]]]] = defaultdict(list)
        for row in (*self.visits, *self.unplaced):
            client = self.client(row["client"])
            if client["status"] == "lost":
                lost, since = client["lost_on"], client["since"]
                urgent = bool(lost and since and lost >= year and (lost - since).days > 731)
                rank = (not urgent, -(lost or dt.date.min).toordinal() if lost else 0)
                months[self.group[client["client"]]].append((row["window"], rank))
        for group, called in months.items():
            called.sort()
            for (a, first), (b, second) in itertools.pairwise(called):
                if a < b and first > second:
                    yield f"{group}: who is called in {b} should come before who is called in {a}"

    def nothing_waits_beside_room(self) -> Iterator[str]:
        """No visit waits while its rep has a free day for it; clients whom two reps visit are left out."""
        minutes, visits, months = self.loads()
        limit = self.month_limits()
        by_client = self._by_client()
        makers: dict[str, set[str]] = defaultdict(set)
        for row in (*self.visits, *self.unplaced):
            makers[row["client"]].add(row["rep"])
        for u in self.unplaced:
            if u["reason"] not in ("rep full", "no day in the window") or len(makers[u["client"]]) > 1:
                continue
            client, rep = self.client(u["client"]), u["rep"]
            tier = self.facts.tiers[client["tier"]]
            most = self.reps[rep]["visits_per_day"]
            for day in self.windows[tier["per"] if client["status"] == "active" else "month"][u["window"]]:
                gap = min((abs((day - d).days) for d in by_client.get(u["client"], [])), default=10**6)
                free = (
                    self.there(rep, day)
                    and (rep == u["owner"] or not self.there(u["owner"], day))
                    and str(day) not in {str(b) for b in client["blocked"]}
                    and self.stays(client, day)
                    and gap >= max(tier["spacing_days"], 1)
                )
                if free and u["reason"] != "rep full":
                    yield f"{u} could be on {day}"
                t = self.month_of[day]
                room = minutes[rep, day] + u["minutes"] <= self.day_minutes(rep)
                room = room and (most is None or visits[rep, day] + 1 <= most + EPS)
                if free and room and months[rep, t] + u["minutes"] <= limit[rep, t]:
                    yield f"{u} waits though {day} has room"


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries; dates are dates."""
    found = []
    for row in frame.astype(object).to_dict("records"):
        plain = {str(k): v for k, v in row.items()}
        if "date" in plain:
            plain["date"] = pd.Timestamp(plain["date"]).date()
        found.append(plain)
    return found


def names(code: str, count: float) -> list[str]:
    """Clients that a row stands for."""
    return [code] if count == 1 else [f"{code}#{n}" for n in range(1, int(count) + 1)]


def first_minutes(model: Model) -> int:
    """Minutes of a first visit."""
    stages = [s for s in rows(model, "funnel") if s["channel"] == "visits"]
    return round(min(stages, key=lambda s: s["step"])["minutes"]) if stages else 0


def in_series(day: dt.date, renewal: dt.date | None, lead: int) -> bool:
    """Whether a day lies in the months before a contract ends."""
    if not renewal or not lead:
        return False
    begin = (pd.Timestamp(renewal) - pd.DateOffset(months=lead)).date()
    return begin <= day <= renewal
