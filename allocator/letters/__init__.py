"""Target letters: what a salesperson or a unit is asked for, promised and paid, as a document to be signed."""

from allocator.letters.content import Letter, rep_letter, unit_letter
from allocator.letters.filling import Template, open_template
from allocator.letters.layout import default_template

__all__ = ["Letter", "Template", "default_template", "open_template", "rep_letter", "unit_letter"]
