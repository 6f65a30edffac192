"""The forms by name: what each needs, and its bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from datalib.errors import Misuse
from datalib.forms import held, html, odt, order196, summary
from datalib.forms.order196 import Term
from datalib.forms.page import Page
from datalib.rules import records
from datalib.rules.calendar import Calendar

#: The forms, each with the kind of its form file.
FORMS: Final[Mapping[str, str]] = {
    "order196-1": "application",
    "order196-2": "published",
    "eu-summary": "summary",
}
_WRITERS: Final = {".html": html.write, ".odt": odt.write}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form as bytes. ``todo``: fields that somebody still has to fill in; ``terms``: what follows, until when."""

    data: bytes
    todo: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()


def fill(
    to: str, libraries: Sequence[Path], form: Path | None, *, name: str, calendar: Calendar, today: date
) -> Filled:
    """Fill in a form. ``name`` of the output tells how it is written: ``.html`` or ``.odt``.

    Raises ``Misuse("E-USAGE")`` for a number of libraries or a name that the form does not take, ``Refused`` with the
    codes of libraries and form files, ``E-FORM-INCOMPLETE``; ``Unchecked("E-IO")``.
    """
    where = str(form or "")
    value = records.read(FORMS[to], records.load(form), where) if form else {}
    writer = _WRITERS.get(Path(name).suffix.lower())
    if writer is None:
        raise Misuse("E-USAGE", "--out", f"{name[:80]!r}: the name of a form ends in .html or .odt")
    _check_given(to, libraries, form)
    holdings = [held.read(path) for path in libraries]
    todo: tuple[str, ...] = ()
    if to == "order196-1":
        page: Page = order196.application(value, where, holdings, today=today)
    elif to == "order196-2":
        page = order196.published(value, where, today=today)
    else:
        made = summary.summary(value, where, holdings)
        page, todo = made.page, made.todo
    return Filled(data=writer(page), todo=todo, terms=order196.terms(value, where, calendar))


def _check_given(to: str, libraries: Sequence[Path], form: Path | None) -> None:
    if to != "eu-summary" and form is None:
        raise Misuse("E-USAGE", "--form", f"{to} needs a form file: most of it no manifest knows")
    if to == "order196-2" and libraries:
        raise Misuse("E-USAGE", "LIBRARY", "the published list says nothing of data: give no library")
    if to == "eu-summary" and not libraries:
        raise Misuse("E-USAGE", "LIBRARY", "of which libraries?")
