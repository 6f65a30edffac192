"""How a command ends: its result, its document or its error, for people or for programs."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence

from datalib.errors import DatalibError, Misuse, Unchecked
from datalib_cli.base import VERSION, Output
from datalib_cli.layout import Block, Line, laid
from datalib_cli.screen import Screen, harmless, screen


def _text(blocks: Iterable[Block], shown: Screen) -> bytes:
    """Lay blocks out for a screen; text is UTF-8 everywhere."""
    return b"".join(f"{shown.tinted(line.text, line.tone)}\n".encode() for line in laid(blocks, shown))


def _said(result: Output) -> Iterator[Block]:
    """Give what a result says to people, the step last."""
    yield from result.lines
    if result.step:
        yield Line(text=result.step, tone="next")


def _json(data: object) -> None:
    text = json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True)
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")


def result(found: Output, arguments: Sequence[str], *, as_json: bool) -> int:
    """Print a result; give the exit status."""
    if as_json:
        _json({**found.data, "version": VERSION})
    else:
        sys.stdout.buffer.write(_text(_said(found), screen(sys.stdout, arguments, os.environ)))
    return found.status


def document(found: Output, *, as_json: bool) -> int:
    """Print a document as it is made. It is no JSON object of ours: ``Misuse`` where one is asked for."""
    if as_json:
        raise Misuse("E-USAGE", "--format", "json tells of a file: give -o")
    try:
        for piece in found.document or ():
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise Unchecked("E-IO", "", error.strerror or str(error)) from error
    sys.stderr.buffer.write(_text(found.aside, Screen()))
    return found.status


def failure(error: DatalibError, arguments: Sequence[str], lang: str, *, as_json: bool) -> int:
    """Print an error: one line, and the object where one is asked for; give the exit status."""
    from datalib_vocab import remedy, text

    say, fix = text(error.code, lang), remedy(error.code, lang)
    parts = [error.where, say + (f" ({error.detail})" if error.detail else "")]
    rest = ": ".join(part for part in parts if part) + (f" → {fix}" if fix else "")
    code = screen(sys.stderr, arguments, os.environ).tinted(error.code, "bad")
    told = harmless(rest.replace("\n", " "))
    sys.stderr.buffer.write(f"datalib: {code}: {told}\n".encode())
    if as_json:
        facts = {
            "accepted": False,
            "code": error.code,
            "message": say,
            "detail": error.detail,
            "where": error.where,
            "remedy": fix,
        }
        _json({**facts, "version": VERSION})
    return error.exit_status
