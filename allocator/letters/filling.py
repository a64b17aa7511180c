"""Templates: opened, checked against what letters hold, and filled. A template is a document, not a program: it runs in a sandbox."""

from __future__ import annotations

import functools
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from docxtpl import DocxTemplate
from jinja2 import meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

from allocator.errors import Finding, InputError
from allocator.letters.content import Letter
from allocator.schema.findings import did_you_mean
from allocator.texts import N_, _, after

LARGEST = 64 * 2**20
"""Bytes that a template may have once unpacked."""

NEEDED = {
    "name": N_("the name"),
    "number": N_("the document number"),
    "months": N_("targets by month"),
    "quarters": N_("targets by quarter"),
    "products": N_("targets by product"),
    "visits": N_("visits"),
    "support": N_("support promised"),
    "incentive": N_("incentive at 80, 100 and 120 percent"),
    "deduction": N_("deductions"),
    "signatures": N_("lines to sign"),
}
"""Fields that a letter should show, and what they are."""

_APART = "\x1f"


class _Unknown(jinja2.StrictUndefined):
    """A field that letters do not hold: its use fails, with its name and the names that there are."""

    @property
    def _undefined_message(self) -> str:
        known = list(self._undefined_obj) if isinstance(self._undefined_obj, Mapping) else []
        return _APART.join(map(str, [self._undefined_name, *known]))


class _Environment(SandboxedEnvironment):
    """A sandbox that compiles the same text once: all letters are filled into one template."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._compiled: dict[str, jinja2.Template] = {}

    def from_string(self, source: Any, *args: Any, **options: Any) -> jinja2.Template:
        """Return a text as a template, compiled now or before."""
        if source not in self._compiled:
            self._compiled[source] = super().from_string(source, *args, **options)
        return self._compiled[source]


@dataclass(frozen=True)
class Template:
    """A template that can be filled.

    Attributes
    ----------
    name : str
        Its file; blank for the one that comes with the program.
    content : bytes
    findings : tuple of Finding
        Warnings: what the template leaves out.
    """

    name: str
    content: bytes
    findings: tuple[Finding, ...] = ()

    @functools.cached_property
    def _environment(self) -> _Environment:
        return _Environment(autoescape=True, undefined=_Unknown)

    def fill(self, letter: Letter) -> bytes:
        """Return a letter as a Word document.

        Raises
        ------
        InputError
            If the template uses a field that the letter has not got, or does something that it may not.
        """
        book = DocxTemplate(io.BytesIO(self.content))
        try:
            book.render(dict(letter.fields), jinja_env=self._environment, autoescape=True)
        except jinja2.UndefinedError as error:
            raise InputError([_unknown_field(self.name, str(error.message), letter.fields)]) from error
        except SecurityError as error:
            says = _("The template does something that no letter needs, and is not filled: {reason}")
            raise _refused(self.name, "template", says.format(reason=error)) from error
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            raise _refused(self.name, "template", _unreadable(error)) from error
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue()


def open_template(path: Path, example: Letter) -> Template:
    """Return a company's own template, checked: its fields are known, its marks are whole.

    Parameters
    ----------
    path : Path
    example : Letter
        A letter that has all fields.

    Raises
    ------
    InputError
        If it is no Word document, holds macros, uses unknown fields, or has marks that do not fit together.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        says = _("{file} cannot be read: {reason}").format(file=path, reason=error.strerror or error)
        raise _refused(str(path), "place", says) from error
    _look_through(str(path), content)
    try:
        used = _fields(DocxTemplate(io.BytesIO(content)))
    except jinja2.TemplateError as error:
        raise _refused(str(path), "template", _unreadable(error)) from error
    except (KeyError, ValueError) as error:  # a zip file that is no Word document
        raise _refused(str(path), "format", _("This is no Word document (.docx).")) from error
    unknown = sorted(used - set(example.fields))
    if unknown:
        raise InputError([_field_finding(str(path), name, list(example.fields)) for name in unknown])
    missing = [_(label) for name, label in NEEDED.items() if name not in used]
    findings: tuple[Finding, ...] = ()
    if missing:
        says = _("The letters will not show: {names}. Fields for these are in docs/letters.md.")
        findings = (Finding("warning", str(path), "", "", "", "template", says.format(names=_(", ").join(missing))),)
    template = Template(str(path), content, findings)
    template.fill(example)  # fields of rows are known only then
    return template


def _fields(book: DocxTemplate) -> set[str]:
    """Names that a template takes from the letter, in its text, its headers and its footers."""
    environment = SandboxedEnvironment()
    book.init_docx()
    parts = [book.get_xml()]
    for uri in (book.HEADER_URI, book.FOOTER_URI):
        parts += [book.get_part_xml(part) for _key, part in book.get_headers_footers(uri)]
    found: set[str] = set()
    for part in parts:
        found |= meta.find_undeclared_variables(environment.parse(book.patch_xml(part)))
    return found


def _look_through(name: str, content: bytes) -> None:
    """Refuse what is no Word document, is far too large, or holds macros or XML entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > LARGEST:
                raise _refused(name, "size", _("The template unpacks to far more than a letter needs."))
            if any("vbaproject" in part.filename.lower() for part in parts):
                raise _refused(
                    name, "macros", _("The template holds macros. Save it as a document without them (.docx).")
                )
            for part in parts:
                if part.filename.endswith((".xml", ".rels")) and re.search(rb"<!(DOCTYPE|ENTITY)", archive.read(part)):
                    raise _refused(
                        name, "entities", _("The template defines XML entities, which no Word document does.")
                    )
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise _refused(name, "format", _("This is no Word document (.docx).")) from error


def _unknown_field(name: str, message: str, fields: Mapping[str, Any]) -> Finding:
    field, *known = message.split(_APART)
    return _field_finding(name, field, known or list(fields))


def _field_finding(name: str, field: str, known: list[str]) -> Finding:
    says = _("Letters have no field {field} here. They have: {known}.").format(field=field, known=", ".join(known))
    return Finding("error", name, "", "", field, "field", says + did_you_mean(field, known))


def _unreadable(error: Exception) -> str:
    says = _("The marks of the template do not fit together: {reason}.").format(reason=str(error).rstrip("."))
    remedy = _(
        "Write each mark, from its first brace to its last, anew and in one go, with no change of format inside it."
    )
    return says + after(remedy)


def _refused(name: str, rule: str, says: str) -> InputError:
    return InputError([Finding("error", name, "", "", "", rule, says)])
