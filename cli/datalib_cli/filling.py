"""Fill in a form and say what is still open: what ``datalib export`` does for forms."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.base import Output, clock, texts

if TYPE_CHECKING:
    from datalib.forms.order196 import Term

#: The formats of ``export`` that are forms.
FORMS = ("order196-1", "order196-2", "eu-summary")
#: What the authority has to do, for people.
TERMS = {
    "first": "the authority reviews the application",
    "again": "the authority reviews it once more",
    "publish": "the authority enters and publishes the system",
}


def fill(
    libraries: tuple[Path, ...], to: str, form: Path | None, out: Path | None, calendar: Path | None, now: str | None
) -> Output:
    """Fill in a form and write it.

    Raises ``Misuse("E-USAGE")`` without ``out``, and what `datalib.forms.formats.fill` raises.
    """
    from datalib.forms import formats
    from datalib.library.store import write_file
    from datalib.rules import reading

    if out is None:
        raise Misuse("E-USAGE", "--out", "a form is a file: -o is needed")
    given = options.private(form, "--form") if form else None
    today, days = reading.today(clock(now)), reading.calendar(calendar)
    filled = formats.fill(to, libraries, given, name=out.name, calendar=days, today=today)
    write_file(options.outside(out), filled.data)
    say = texts()
    lines = [say("written: {path} ({format})", path=out, format=to)]
    if filled.todo:
        lines.append(say("to be filled in: {fields}", fields=", ".join(filled.todo)))
    for term in filled.terms:
        about = "" if term.certain else " " + say("or later: the calendar ends before")
        kind = say(TERMS[term.kind])
        lines.append(say("{due}: {what} (since {since})", due=f"{term.due}{about}", what=kind, since=term.since))
    facts: dict[str, Any] = {"out": str(out), "to": to, "todo": list(filled.todo)}
    return Output(data={**facts, "terms": [_term(term) for term in filled.terms]}, lines=lines)


def _term(term: "Term") -> dict[str, Any]:
    return {"kind": term.kind, "since": str(term.since), "due": str(term.due), "certain": term.certain}
