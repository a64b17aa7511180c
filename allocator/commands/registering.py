"""Commands about published plans: ``publish``, ``versions``, ``diff``, ``approve``."""

from __future__ import annotations

import getpass
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allocator.commands.common import Command, Session, show
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.registry import Registry, Version

VARIABLE = "ALLOCATOR_REGISTRY"
"""Environment variable that names the registry."""

PLACE = "registry.db"


def _registry_option() -> click.Option:
    text = _("The registry: a SQLite file or a postgresql:// URL; else ${variable}, else {place} here.")
    return click.Option(["--registry"], metavar="PATH|URL", help=text.format(variable=VARIABLE, place=PLACE))


def _open(registry: str | None) -> Registry:
    from allocator.registry import Registry

    return Registry(registry or os.environ.get(VARIABLE) or PLACE)


def _as_json(version: Version) -> dict[str, Any]:
    return {**asdict(version), "number": version.full_number, "state": version.state}


def publish_command() -> click.Command:
    """Build ``allocator publish``."""
    text = _(
        "RUN is a folder that a solve or a review has written. It is kept whole, under a document number, and never changed."
    )
    return Command(
        "publish",
        _publish,
        _("Publish a run: give it a document number and keep it for good."),
        text,
        [
            click.Argument(["run"], type=click.Path(path_type=Path)),
            click.Option(["--as", "name"], metavar="NAME", help=_("Who publishes; else the user of this machine.")),
            click.Option(["--because"], default="", metavar="TEXT", help=_("Why it is published.")),
            _registry_option(),
        ],
    )


def _publish(session: Session, run: Path, name: str | None, because: str, registry: str | None) -> None:
    from allocator.commands.language import language_of_model
    from allocator.registry.screen import files_named, moves, needed

    session.speak(language_of_model(run / "model"))
    with _open(registry) as found:
        done = found.publish(run, by=_user() if name is None else name, because=because)
    version = done.version
    session.answer({"status": "done", "new": done.new, "version": _as_json(version)})
    if not done.new:
        says = _("{run} is published already: {number}, {state}.")
        session.say(says.format(run=run, number=version.full_number, state=version.state_in_words))
        return
    session.say(
        _("{number}: {run} is published in {place}.").format(number=version.full_number, run=run, place=found.name)
    )
    if version.replaces:
        says = _("It replaces {number} and moves {share}.")
        session.say(says.format(number=version.replaces, share=moves(version)))
    if not done.recorded:
        session.warn(
            _("The run recorded no hashes of its files, so only the audit could tell whether they were changed.")
        )
    if done.left_out:
        session.warn(_("Not the run's and left out: {files}.").format(files=files_named(done.left_out)))
    if done.rules_changed:
        says = _("The model changes who must agree. What the version in force asks is needed too.")
        session.warn(says)
    if not version.needs:
        session.say(_("It is approved: nobody's votes are needed."))
        return
    session.say(_("Votes needed:"))
    for line in needed(version):
        session.say("  " + line)
    session.say(_next(version, registry and found.name))


def _next(version: Version, registry: str | None) -> str:
    need = next(need for need in version.needs if need.missing)
    command = f"allocator approve {_quoted(version.full_number)} --as NAME --role {_quoted(need.role.split()[0])}"
    command += f" --registry {_quoted(registry)}" if registry else ""
    return _("Next: {command}").format(command=command)


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:  # a user whom the machine has no name for
        raise click.UsageError(_("Say who publishes, with --as.")) from error


def versions_command() -> click.Command:
    """Build ``allocator versions``."""
    text = _("With VERSION all about that one. --check hashes every published file again.")
    return Command(
        "versions",
        _versions,
        _("List the published plans, or show one of them."),
        text,
        [
            click.Argument(["version"], required=False),
            click.Option(["--model"], metavar="NAME", help=_("Only plans of this model.")),
            click.Option(["--company"], metavar="NAME", help=_("Only plans of this company.")),
            click.Option(["--check"], is_flag=True, help=_("Also prove that all contents are what was published.")),
            click.Option(
                ["-o", "--output"],
                metavar="DIR",
                type=click.Path(path_type=Path),
                help=_("Write the run of VERSION into this folder, as it was published."),
            ),
            _registry_option(),
        ],
    )


def _versions(
    session: Session,
    version: str | None,
    model: str | None,
    company: str | None,
    check: bool,
    output: Path | None,
    registry: str | None,
) -> int:
    from allocator.errors import EngineError
    from allocator.registry.screen import listed, told

    if output is not None and version is None:
        raise click.UsageError(_("Say which version to write, such as SN-GG-2026-01."))
    with _open(registry) as found:
        damaged = found.verify() if check else []
        known = [found.get(version)] if version is not None else found.versions(model, company)
        if output is not None:
            found.restore(known[0], output)
    answer: dict[str, Any] = {"status": "done", "registry": found.name, "versions": [_as_json(v) for v in known]}
    session.answer({**answer, "damaged": damaged} if check else answer)
    if not session.json and not session.quiet and known:
        show(told(known[0]) if version is not None else listed(known))
    if not known:
        session.say(_("{place}: no plan is published there.").format(place=found.name))
    if output is not None:
        session.say(_("{folder}: the run as it was published").format(folder=output))
    for says in damaged:
        session.warn(says)
    if check and not damaged:
        session.say(_("All contents are what was published."))
    return EngineError.exit_code if damaged else 0


def diff_command() -> click.Command:
    """Build ``allocator diff``."""
    return Command(
        "diff",
        _diff,
        _("Show what two published plans differ in: inputs and outputs."),
        _("V1 and V2 are document numbers, such as SN-GG-2026-01; see allocator versions."),
        [
            click.Argument(["before"], metavar="V1"),
            click.Argument(["after"], metavar="V2"),
            click.Option(
                ["-o", "--output"],
                metavar="DIR",
                type=click.Path(path_type=Path),
                help=_("Also write all of it into this folder: CSV and a workbook."),
            ),
            _registry_option(),
        ],
    )


def _diff(session: Session, before: str, after: str, output: Path | None, registry: str | None) -> None:
    from allocator.registry.diff_screen import SUMMARY, json_of, report, write_diff
    from allocator.reporting.run import check_place

    if output is not None:
        check_place(output, SUMMARY)
    with _open(registry) as found:
        diff = found.diff(before, after)
    if output is not None:
        write_diff(diff, output)
    session.answer(json_of(diff))
    if not session.json and not session.quiet:
        show(report(diff))
    if output is not None:
        session.say(_("Written to {folder}: diff.xlsx, diff.json, tables as CSV").format(folder=output))


def approve_command() -> click.Command:
    """Build ``allocator approve``."""
    text = _(
        "Everybody votes once, and a vote is not taken back. The table approvals of the model says whose votes are needed."
    )
    return Command(
        "approve",
        _approve,
        _("Vote on a published plan: approve it, or refuse it."),
        text,
        [
            click.Argument(["version"]),
            click.Option(
                ["--as", "name"], required=True, metavar="NAME", help=_("Who votes, as the table voters has it.")
            ),
            click.Option(["--role"], required=True, metavar="ROLE", help=_("Role for which the vote counts.")),
            click.Option(["--reject"], is_flag=True, help=_("Vote against it; needs --because.")),
            click.Option(["--because"], default="", metavar="TEXT", help=_("Why.")),
            _registry_option(),
        ],
    )


def _approve(
    session: Session, version: str, name: str, role: str, reject: bool, because: str, registry: str | None
) -> None:
    from allocator.registry.screen import needed

    with _open(registry) as found:
        known = found.approve(version, person=name, role=role, agrees=not reject, because=because)
    session.answer({"status": "done", "version": _as_json(known)})
    session.say(_("{number} is {state}.").format(number=known.full_number, state=known.state_in_words))
    for line in needed(known):
        session.say("  " + line)
    if known.state == "proposed":
        session.say(_next(known, registry and found.name))
