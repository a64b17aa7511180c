"""Whose votes a version needs, and what votes come to: every threshold on both sides."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from kept_plans import check, rows_of_file
from plan_runs import APPROVALS, VOTERS, changed, unaudited

from allocator.errors import InputError
from allocator.registry import Need, Registry, Vote, registry
from allocator.registry.approving import both, counted, needs, outcome, share_moved, votes_needed

QUOTAS = pd.DataFrame(
    [(r, p, m, level, q) for (r, p, m, q), level in itertools.product(
        [("a", "x", "2026-01", 400.0), ("a", "y", "2026-01", 100.0), ("b", "x", "2026-02", 500.0)], ["base", "stretch"])],
    columns=["rep", "product", "month", "level", "quota"],
)  # fmt: skip


def moved(**cells: float) -> pd.DataFrame:
    """Quotas with other base quotas: ``a_x=410`` is that of a for x."""
    frame = QUOTAS.copy()
    for name, value in cells.items():
        rep, product = name.split("_")
        frame.loc[(frame["rep"] == rep) & (frame["product"] == product) & (frame["level"] == "base"), "quota"] = value
    return frame


class TestShareMoved:
    """``share_moved``."""

    @pytest.mark.parametrize(
        ("cells", "share"),
        [
            ({}, 0.0),
            ({"a_x": 500.0}, 0.1),  # more for one: what it rises
            ({"a_x": 300.0}, 0.1),  # less for one: what it falls
            ({"a_x": 300.0, "b_x": 600.0}, 0.1),  # from one to another: once and not 0.2
            ({"a_x": 300.0, "b_x": 700.0}, 0.2),  # the larger side
            ({"a_x": 350.0, "a_y": 150.0}, 0.05),  # from one product to another
        ],
    )
    def test_of_base_quotas(self, cells: dict[str, float], share: float) -> None:
        """What moves is the larger of all rises and all falls, of the base quotas before."""
        assert share_moved(QUOTAS, moved(**cells)) == pytest.approx(share, abs=1e-15)

    def test_other_levels_do_not_count(self) -> None:
        """Stretch quotas ask nobody for a vote."""
        frame = QUOTAS.copy()
        frame.loc[frame["level"] == "stretch", "quota"] *= 2
        assert share_moved(QUOTAS, frame) == 0.0

    def test_who_comes_and_goes_moves(self) -> None:
        """A rep who is gone falls by all he had, a new one rises by all he gets; from nothing to something is the whole."""
        other = QUOTAS.replace({"rep": {"b": "c"}})
        assert share_moved(QUOTAS, other) == 0.5
        assert share_moved(QUOTAS.assign(quota=0.0), QUOTAS) == 1.0
        assert share_moved(QUOTAS.iloc[:0], QUOTAS.iloc[:0]) == 0.0


class TestVotesNeeded:
    """``votes_needed``."""

    @pytest.mark.parametrize("written", [2 / 3, 0.6666666666666666, 0.66666667, 0.6667])
    def test_two_thirds(self, written: float) -> None:
        """Two thirds of any number of people up to 60 is the least whole number that is not below it, however it is written."""
        for people in range(1, 61):
            least = votes_needed(written, people)
            assert Fraction(least, people) >= Fraction(2, 3)
            assert least == 1 or Fraction(least - 1, people) < Fraction(2, 3)

    @pytest.mark.parametrize(
        ("share", "people", "least"),
        [(0.0, 5, 1), (0.5, 4, 2), (0.5, 5, 3), (0.51, 4, 3), (1.0, 7, 7), (0.7, 3, 3), (0.2, 1, 1), (0.66, 3, 2)],
    )
    def test_other_shares(self, share: float, people: int, least: int) -> None:
        """Half of four is two and of five is three; no share at all is still one vote."""
        assert votes_needed(share, people) == least


def frames(approvals: str, voters: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of a model, from their texts."""
    rows = [[line.split(",") for line in text.split()] for text in (approvals, voters)]
    rules = pd.DataFrame(rows[0], columns=["role", "votes", "above"]).astype({"votes": float, "above": float})
    return rules, pd.DataFrame(rows[1], columns=["person", "role"])


class TestNeeds:
    """``needs``, ``both``."""

    RULES = frames("board,0.6667,0.1 head,0,0 board,0.3,0.05", "ann,board bob,board cy,board dan,head eve,head")

    @pytest.mark.parametrize(
        ("share", "wanted"),
        [
            (0.0, {"head": 1}),
            (0.05, {"head": 1}),
            (0.0500001, {"head": 1, "board": 1}),
            (0.1, {"head": 1, "board": 1}),
            (0.1000001, {"head": 1, "board": 2}),
            (None, {"head": 1, "board": 2}),
        ],
    )
    def test_a_row_holds_above_its_share(self, share: float | None, wanted: dict[str, int]) -> None:
        """A row is needed where more than its share moves, one of 0 always, all of them for a first version; the highest counts."""
        assert {need.role: need.needed for need in needs(*self.RULES, share)} == wanted

    def test_no_rows_no_votes(self) -> None:
        """Without approvals nobody needs to agree."""
        assert needs(*(frame.iloc[:0] for frame in self.RULES), None) == []

    def test_rules_that_differ_hold_together(self) -> None:
        """What two models' rules ask alike is asked once, what they ask differently twice."""
        old, new = Need("board", 2, ("ann", "bob", "cy")), Need("board", 1, ("ann",))
        assert both([old], [old]) == [old]
        assert both([new], [old]) == [new, old]


def votes(text: str) -> list[Vote]:
    """Votes such as ``ann+ bob-``, for the board."""
    return [Vote(word[:-1], "board", word[-1] == "+", "", str(k)) for k, word in enumerate(text.split())]


class TestOutcome:
    """``counted`` and ``outcome``."""

    @pytest.mark.parametrize(
        ("needed", "cast", "state"),
        [
            (2, "ann+", "proposed"),
            (2, "ann+ bob+", "approved"),
            (2, "ann-", "proposed"),
            (2, "ann- bob-", "rejected"),
            (2, "ann- bob+", "proposed"),
            (2, "ann- bob+ cy+", "approved"),
            (2, "ann- bob+ cy-", "rejected"),
            (3, "ann+ bob+", "proposed"),
            (3, "ann-", "rejected"),
            (1, "ann- bob-", "proposed"),
            (1, "ann- bob- cy-", "rejected"),
            (1, "zoe+", "proposed"),  # who does not vote for the role does not count
        ],
    )
    def test_of_three(self, needed: int, cast: str, state: str) -> None:
        """Enough votes approve; so many refusals that enough can no longer come reject."""
        assert outcome(counted([Need("board", needed, ("ann", "bob", "cy"))], votes(cast))) == state

    def test_every_need_counts(self) -> None:
        """With two needs one met is not enough, and one that can no longer be met is the end."""
        asked = [Need("board", 1, ("ann",)), Need("board", 1, ("bob", "cy"))]
        assert outcome(counted(asked, votes("ann+"))) == "proposed"
        assert outcome(counted(asked, votes("ann+ cy+"))) == "approved"
        assert outcome(counted(asked, votes("ann-"))) == "rejected"


class TestInARegistry:
    """The same rules on versions that follow each other; the runs are made by hand and not audited."""

    @pytest.fixture
    def place(self, runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return a folder with a first version that is approved."""
        monkeypatch.setattr(registry, "candidate", unaudited)
        with Registry(tmp_path / "registry.db") as known:
            number = known.publish(runs[0], by="me").version.number
            known.approve(number, person="li", role="management")
            known.approve(number, person="zhou", role="management")
            assert known.approve(number, person="chen", role="director").state == "approved"
        return tmp_path

    @pytest.mark.parametrize(("extra", "management"), [(-1.0, False), (0.0, False), (1.0, True)])
    def test_a_tenth_moved(self, runs: list[Path], place: Path, extra: float, management: bool) -> None:
        """Exactly a tenth of the quotas asks for one vote of the director; one yuan more also for two thirds of the management."""

        def tenth(quotas: pd.DataFrame) -> pd.DataFrame:
            base = quotas["level"] == "base"
            quotas.loc[quotas.index[base][0], "quota"] += 0.1 * quotas.loc[base, "quota"].sum() + extra
            return quotas

        with Registry(place / "registry.db") as known:
            version = known.publish(changed(runs[0], place / "run", tenth), by="me").version
            asked = {need.role.split()[0]: need.needed for need in version.needs}
            assert asked == {"director": 1, **({"management": 2} if management else {})}
            version = known.approve(version, person="chen", role="director")
            assert version.state == ("proposed" if management else "approved")
            if management:
                assert known.approve(version, person="wang", role="管理层").state == "proposed"
                assert known.approve(version, person="li", role="management 管理层").state == "approved"
            assert known.versions()[0].state == "superseded"
        check(rows_of_file(place / "registry.db"))

    def test_lower_rules_do_not_decide_about_themselves(self, runs: list[Path], place: Path) -> None:
        """A model that asks for nobody's votes still needs those that the version in force asks for."""
        run = changed(runs[0], place / "run", lambda q: q, approvals="role,votes,above\n", voters="person,role\n")
        with Registry(place / "registry.db") as known:
            done = known.publish(run, by="me")
            assert done.rules_changed
            assert [(n.role, n.needed) for n in done.version.needs] == [("director", 1)]
            assert known.approve(done.version, person="chen", role="director").state == "approved"
            again = known.publish(changed(run, place / "again", lambda q: q.assign(quota=0)), by="me")
            assert not again.rules_changed
            assert again.version.state == "approved", "from then on nobody's votes are needed"

    def test_new_voters_and_old_ones(self, runs: list[Path], place: Path) -> None:
        """Where the director changes with the model, the old and the new one must agree, each once."""
        new = VOTERS.replace("chen", "deng")
        run = changed(runs[0], place / "run", lambda q: q, voters=new)
        with Registry(place / "registry.db") as known:
            version = known.publish(run, by="me").version
            assert known.approve(version, person="deng", role="director").state == "proposed"
            assert known.approve(version, person="chen", role="director").state == "approved"

    def test_a_rejected_version_leaves_the_old_one_in_force(self, runs: list[Path], place: Path) -> None:
        """A refusal that decides makes a version rejected; nobody can vote on it any more, and it can be published again."""
        with Registry(place / "registry.db") as known:
            version = known.publish(runs[1], by="me").version
            with pytest.raises(InputError, match="Say why it is refused"):
                known.approve(version, person="chen", role="director", agrees=False)
            refused = known.approve(version, person="chen", role="director", agrees=False, because="too little")
            assert refused.state == "rejected"
            assert refused.votes[0].because == "too little"
            latest = known.latest("pocket")
            assert latest is not None
            assert latest.number.endswith("-01")
            with pytest.raises(InputError, match="is rejected already"):
                known.approve(version, person="chen", role="director")
            assert known.publish(runs[1], by="me").new
        check(rows_of_file(place / "registry.db"))

    def test_who_may_not_vote(self, runs: list[Path], place: Path) -> None:
        """A stranger, a wrong role and a second vote are refused, and nothing is added."""
        with Registry(place / "registry.db") as known:
            version = known.publish(runs[1], by="me").version
            before = rows_of_file(place / "registry.db")
            for person, role, says in (
                ("mallory", "director", "mallory does not vote for director. Who does: chen."),
                ("li", "director", "li does not vote for director"),
                ("li", "management", "needs votes of: director; management is none of them"),
                ("chen", "directr", 'Did you mean "director"'),
            ):
                with pytest.raises(InputError, match=says):
                    known.approve(version, person=person, role=role)
            with pytest.raises(InputError, match="There is no version SN-GG-2020-01"):
                known.approve("SN-GG-2020-01", person="chen", role="director")
            assert rows_of_file(place / "registry.db") == before

    def test_a_need_that_nobody_can_meet_is_refused(self, runs: list[Path], place: Path) -> None:
        """A plan whose approvals name a role without voters is not published; the message says what to add."""
        run = changed(runs[0], place / "run", lambda q: q, approvals=APPROVALS + "board,1,0\n")
        with (
            Registry(place / "registry.db") as known,
            pytest.raises(InputError, match="1 votes of board are needed, and voters names 0"),
        ):
            known.publish(run, by="me")
