"""What all commands share: their common options, and how they speak."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any

import click

from allocator.errors import Finding
from allocator.texts import LANGUAGES, _, use_language

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Action = Callable[..., int | None]

WIDTH = 80
"""Columns of what is not a terminal."""


@dataclass
class Session:
    """One call of the program: its common options and its voice.

    Attributes
    ----------
    json, quiet, verbose, debug : bool
    lang : str
        Language asked for; blank is none.
    abandoned : bool
        Whether an engine is still at work that nobody waits for.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    lang: str = ""
    abandoned: bool = False

    def say(self, text: str) -> None:
        """Say what a command did, on standard output, unless that is for JSON or is to be quiet."""
        if not self.json and not self.quiet:
            click.echo(text)

    def warn(self, text: str) -> None:
        """Say something on standard error, whatever else was asked for."""
        click.echo(text, err=True)

    def detail(self, text: str) -> None:
        """Say something on standard error to those who want to know more."""
        if self.verbose:
            click.echo(text, err=True)

    def answer(self, summary: Any) -> None:
        """Print a summary as JSON on standard output, if that was asked for."""
        if self.json:
            click.echo(json.dumps(summary, ensure_ascii=False, indent=2))

    def findings(self, findings: Iterable[Finding], *, err: bool = True) -> None:
        """Show findings as sentences; notes only to those who want to know more."""
        marks = {"error": (_("error"), "red"), "warning": (_("warning"), "yellow"), "note": (_("note"), None)}
        for finding in findings:
            if finding.severity == "error" or not (self.quiet or (finding.severity == "note" and not self.verbose)):
                mark, colour = marks[finding.severity]
                click.secho(mark + _(": "), fg=colour, nl=False, err=err)
                click.echo(finding.says, err=err)

    def speak(self, language: str | None) -> None:
        """Go over to a model's language, if it names one and the user chose none."""
        if language and not self.lang:
            use_language(language)


def rows_of(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Return findings for JSON."""
    return [asdict(f) for f in findings]


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """Count findings by severity."""
    severities = [f.severity for f in findings]
    return {s: severities.count(s) for s in ("error", "warning", "note")}


def tally(counts: Mapping[str, int]) -> str:
    """Return words that count the findings of an input that was accepted."""
    return _("{warnings} warnings, {notes} notes").format(warnings=counts["warning"], notes=counts["note"])


def console(file: IO[str]) -> Console:
    """Return a rich console: as wide as the terminal, 100 at most, and plain where there is none."""
    from rich.console import Console

    found = Console(file=file)
    width = min(100, found.width) if found.is_terminal else WIDTH
    return Console(file=file, width=width, highlight=False, markup=False, emoji=False)


def show(*parts: RenderableType) -> None:
    """Print on standard output through rich, without the blanks with which it fills lines."""
    screen = console(sys.stdout)
    with screen.capture() as capture:
        screen.print(*parts, sep="\n")
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


class _Translated(click.Command):
    """Help in the user's language."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _("Show this and leave.")
        return option

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), _("Usage:") + " ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        with formatter.section(_("Options")):
            formatter.write_dl([record for p in options if (record := p.get_help_record(ctx)) is not None])


class Command(_Translated):
    """A command with the common options.

    Parameters
    ----------
    name : str
    action : callable
        Takes the session and the parameters; returns an exit code or None.
    short, text : str
        What it does, in one line and in full.
    params : list of click.Parameter
    """

    def __init__(self, name: str, action: Action, short: str, text: str, params: list[click.Parameter]) -> None:
        super().__init__(
            name,
            callback=click.pass_obj(action),
            short_help=short,
            help=f"{short}\n\n{text}" if text else short,
            params=[*params, *common_options()],
            options_metavar=_("[OPTIONS]"),
        )
        self.allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; one too many is refused in the user's language."""
        rest = super().parse_args(ctx, args)
        if rest:
            raise click.UsageError(_("Nothing was expected after this: {names}.").format(names=" ".join(rest)), ctx)
        return rest


def _help_without_command(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        raise click.exceptions.NoArgsIsHelpError(ctx)


class CommandGroup(_Translated, click.Group):
    """A command with commands below it, and the common options."""

    def __init__(self, name: str, text: str, commands: Sequence[click.Command] = (), *more: click.Parameter) -> None:
        super().__init__(
            name,
            help=text,
            commands=commands,
            params=[*common_options(), *more],
            callback=click.pass_context(_help_without_command),
            invoke_without_command=True,
            no_args_is_help=True,
            options_metavar=_("[OPTIONS]"),
            subcommand_metavar=_("COMMAND …"),
        )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            says = _("There is no command {name}. Commands: {commands}.")
            raise click.UsageError(says.format(name=args[0], commands=", ".join(known)), ctx)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options."""
        commands = [c for name in self.list_commands(ctx) if (c := self.get_command(ctx, name)) is not None]
        with formatter.section(_("Commands")):
            formatter.write_dl([(str(c.name), c.get_short_help_str(100)) for c in commands])
        super().format_options(ctx, formatter)


def common_options() -> list[click.Parameter]:
    """Return the options that every command takes, before or after its name."""

    def flag(names: list[str], text: str) -> click.Option:
        return click.Option(names, is_flag=True, expose_value=False, callback=_remember, help=text)

    return [
        flag(["--json"], _("Print the summary as JSON on standard output, and nothing else there.")),
        flag(["-q", "--quiet"], _("Say only what is wrong.")),
        flag(["-v", "--verbose"], _("Say more: notes, and each step with its time.")),
        flag(["--debug"], _("Show the traceback of an error.")),
        click.Option(
            ["--lang"],
            type=click.Choice(LANGUAGES),
            expose_value=False,
            callback=_remember,
            is_eager=True,
            help=_("Language of the texts."),
        ),
    ]


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    session = ctx.find_object(Session)
    if value and session is not None and param.name is not None:
        setattr(session, param.name, value)
