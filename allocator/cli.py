"""The command line: finds the command, runs it, and turns every error into a sentence and an exit code."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import click

from allocator.commands.common import CommandGroup, Session, rows_of
from allocator.crew import COLLECT
from allocator.errors import AllocatorError, EngineError, InputError
from allocator.texts import LANGUAGES, _, after, in_language, language_of_environment

COMMANDS = {
    "new": "modelling",
    "import": "modelling",
    "check": "modelling",
    "solve": "running",
    "explain": "explaining",
    "fund": "funding",
    "frontier": "frontier",
    "scenarios": "modelling",
    "compare": "comparing",
    "review": "reviewing",
    "health": "health",
    "batch": "batching",
    "visits": "visiting",
    "report": "paging",
    "letters": "lettering",
    "publish": "registering",
    "versions": "registering",
    "diff": "registering",
    "approve": "registering",
    "schema": "columns",
}
"""Module below ``allocator.commands`` that builds each command, in the order of the help."""

INTERRUPTED = 130
BROKEN_PIPE = 141
"""128 and the signal's number, as shells say it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the program's name; taken from the command line if not given.
    """
    # Before numpy comes: our vectors are short, and threads that share them would only fight with the engine and the workers.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(*COLLECT)
    # At the end the system takes all memory back at once; looking for cycles in it before takes as long as reading it did.
    atexit.register(gc.freeze)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _tolerate(sys.stdout)
    session = Session()
    with in_language(_language_of(arguments) or language_of_environment()):  # found once: texts ask for it each time
        try:
            code = _run(arguments, session)
            sys.stdout.flush()
            if (
                session.abandoned
            ):  # leaving in the usual way would wait for the engine, or pull the ground from under it
                os._exit(code)
        except BrokenPipeError:  # whoever read us has gone; nothing is left to say
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = BROKEN_PIPE
        return code


def _run(arguments: list[str], session: Session) -> int:
    """Run a command; every error becomes a sentence and an exit code."""
    try:
        program = _program()
        with program.make_context("allocator", arguments, obj=session) as ctx:
            return int(program.invoke(ctx) or 0)
    except click.exceptions.Exit as leaving:  # --help and --version
        return leaving.exit_code
    except KeyboardInterrupt:
        session.warn(_("Stopped. Nothing was written."))
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # the outermost frame: whatever happens, the user reads a sentence
        if session.debug:
            traceback.print_exc()
        return _explain(error, session)


def _explain(error: Exception, session: Session) -> int:
    """Say what went wrong and return the exit code."""
    if isinstance(error, InputError):
        session.findings(error.findings)
        session.answer({"status": "error", "findings": rows_of(error.findings)})
        return error.exit_code
    if isinstance(error, click.ClickException):
        text, code = _usage_text(error), InputError.exit_code
    elif isinstance(error, AllocatorError):
        text, code = str(error), error.exit_code
    elif isinstance(error, MemoryError):
        text, code = _("The machine has not enough memory for this."), EngineError.exit_code
    elif isinstance(error, OSError):
        text, code = _("The machine failed: {reason}.").format(reason=error), EngineError.exit_code
    else:
        text = _("An error of the program itself: {kind}: {reason}. With --debug it shows where; please report it.")
        text, code = text.format(kind=type(error).__name__, reason=error), EngineError.exit_code
    session.warn(text)
    session.answer({"status": "error", "says": text})
    return code


def _usage_text(error: click.ClickException) -> str:
    """Return what is wrong with a command line, in the user's language, and where help is."""
    if isinstance(error, click.NoSuchOption):
        says = _("There is no option {name}.").format(name=error.option_name)
        if error.possibilities:
            says += after(_("Did you mean {name}?").format(name=", ".join(sorted(error.possibilities))))
    elif isinstance(error, click.MissingParameter) and error.param is not None:
        says = _("{name} is missing.").format(name=error.param.get_error_hint(error.ctx) if error.ctx else "")
    elif isinstance(error, click.BadParameter) and (error.param_hint or error.param):
        name = error.param_hint or (error.param.get_error_hint(error.ctx) if error.param and error.ctx else "")
        says = _("{name} is not right: {reason}").format(name=name, reason=error.message)
    else:
        says = error.format_message()
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return says
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "allocator"
    return says + "\n" + _("Help: {command}").format(command=f"{path} --help")


class _Program(CommandGroup):
    """The program: commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"allocator.commands.{COMMANDS[cmd_name]}")
        build: Callable[[], click.Command] = getattr(module, f"{cmd_name}_command")
        return build()


def _program() -> click.Group:
    text = _("Optimise sales targets and resources: quotas, visits and budgets in one feasible plan.")
    version = click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_show_version,
        help=_("Show the version and leave."),
    )
    return _Program("allocator", text, (), version)


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        import importlib.metadata

        click.echo(importlib.metadata.version("sales-allocator"))
        ctx.exit()


def _language_of(arguments: Sequence[str]) -> str | None:
    """Language that the arguments ask for; looked at before all else, as the help speaks it too."""
    for i, argument in enumerate(arguments):
        value = (
            arguments[i + 1] if argument == "--lang" and i + 1 < len(arguments) else argument.removeprefix("--lang=")
        )
        if argument.startswith("--lang") and value in LANGUAGES:
            return value
    return None


def _tolerate(stream: TextIO | Any) -> None:
    """Let a stream print a question mark rather than fail where its encoding lacks a character."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
