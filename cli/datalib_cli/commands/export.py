"""``datalib export``: libraries in foreign formats and forms."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datalib.errors import Misuse
from datalib_cli import filling, options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.render import lost_lines, note_data

if TYPE_CHECKING:
    from datalib.library.upgrade import Note
    from datalib.verify import Report

FORMATS = ("turtle", "jsonld", "ntriples", "dcat", "prov", "croissant", "hf-card", "dta", "bagit", *filling.FORMS)


@click.command("export", cls=Command)
@click.argument("libraries", type=options.FOLDER, nargs=-1)
@click.option(
    "--to",
    type=click.Choice(FORMATS),
    metavar="FORMAT",
    required=True,
    help="The format to write: turtle, jsonld, ntriples, dcat, prov, croissant, hf-card, dta, bagit, order196-1, "
    "order196-2 or eu-summary.",
)
@click.option("-o", "--out", type=options.FILE, help="The file, for bagit the folder. Default: standard output.")
@click.option("--files", is_flag=True, help="RDF of every file too; turtle, jsonld and ntriples only.")
@click.option("--base", default="", metavar="URL", help="What stands before the paths of files: a URL or a folder.")
@click.option("--form", type=options.FILE, help="What no manifest knows, as a YAML or JSON file: for forms and dta.")
@click.option("--calendar", type=options.FILE, help="Days off and days worked. Default: Kazakhstan, 2025 and 2026.")
@options.trust
@options.data
@options.now
def command(
    libraries: tuple[Path, ...],
    to: str,
    out: Path | None,
    files: bool,
    base: str,
    form: Path | None,
    calendar: Path | None,
    trust: options.TrustOptions,
    data: str,
    now: str | None,
) -> Output:
    """Write a library in a foreign format, or fill in a form from libraries.

    With --policy and --roots, or --key ID=PUB.pem, the library is verified first and refused if its integrity does not
    hold; the export says how much was verified. Without, it says that everything is only declared.

    What the format has no place for is named. The result is not signed: the library stays what counts.

    order196-1 (the application for the list of trusted high-risk AI systems), order196-2 (what is published of them)
    and eu-summary (the summary of training content) are forms for people, .html or .odt. They say what is declared.
    """
    if to in filling.FORMS:
        _refuse({"--files": files, "--base": base, "--data": data != "full", "--policy": trust.any},
                "a form says what is declared: run verify first")  # fmt: skip
        return filling.fill(libraries, to, form, out, calendar, now)
    _refuse({"--calendar": calendar, "--form": form and to != "dta"}, f"{to} does not take it")
    if len(libraries) != 1:
        raise Misuse("E-USAGE", "LIBRARY", f"{to} is of one library")
    report = _verified(libraries[0], trust, data, clock(now)) if trust.any else None
    return _foreign(libraries[0], report, to, out, files, base, form)


def _refuse(given: Mapping[str, object], why: str) -> None:
    for option, value in given.items():
        if value:
            raise Misuse("E-USAGE", option, why)


def _foreign(
    library: Path, report: "Report | None", to: str, out: Path | None, files: bool, base: str, form: Path | None
) -> Output:
    from datalib.interop import dta, formats
    from datalib.interop.known import know
    from datalib.library.store import replacing_file, write_all
    from datalib.rules import records

    if out is None and to == formats.BAG:
        raise Misuse("E-USAGE", "--out", "a bag is a folder: -o is needed")
    patch = dta.read_patch(records.load(form), str(form)) if form else None
    known = know(library, report, base=base)
    if to == formats.BAG and out is not None:
        if files or base:
            raise Misuse("E-USAGE", "--files" if files else "--base", "a bag holds the files themselves")
        return _done(out, to, known.assurance, formats.export_bag(known, options.outside(out)))
    exported = formats.export(known, to, with_files=files, name=str(out or ""), patch=patch)
    if out is None:
        return Output(data={}, document=exported.chunks, aside=lost_lines(exported.notes, texts()))
    with replacing_file(options.outside(out)) as file:
        for piece in exported.chunks:
            write_all(file, piece)
    return _done(out, to, known.assurance, exported.notes)


def _verified(library: Path, trust: options.TrustOptions, data: str, now: int) -> "Report":
    from datalib.verify import verify

    believed, pinned = trust.believed()
    memory = trust.memory()
    report = verify(library, policy=believed, roots=pinned, now=now, memory=memory, require=(), data=data)
    trust.remember(report)
    return report


def _done(out: Path, to: str, assurance: str, notes: "Sequence[Note]") -> Output:
    say = texts()
    facts: Mapping[str, Any] = {"out": str(out), "to": to, "assurance": assurance, "lost": note_data(notes)}
    head = say("written: {path} ({format}, {assurance})", path=out, format=to, assurance=assurance)
    return Output(data=facts, lines=[head, *lost_lines(notes, say)])
