"""``datalib optout declare`` and ``embed``: what authors and rights holders do."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from datalib.errors import Unchecked
from datalib.formats import format_time
from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts, time_of
from datalib_cli.layout import Block, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalib.optout.declaration import Declaration
    from datalib.optout.publish import Form

_CATEGORIES = ("crawl", "tdm", "train_any", "train_gen", "ai_input", "ai_index", "search")

deny_option = click.option(
    "--deny",
    multiple=True,
    type=click.Choice(_CATEGORIES),
    help="A use that is refused. Default: train_any, any training.",
)
licence_option = click.option("--licence", default="", metavar="URL", help="Where a licence can be had.")

#: Why a form of publication was left out.
LEFT_OUT = {
    "tdm": "left out: {form}, which can only refuse text and data mining as a whole: --deny tdm",
    "place": "left out: {form}, which needs a domain or a URL",
}


@click.command("declare", cls=Command)
@click.argument("works", nargs=-1)
@click.option("--file", "files", type=options.FILE, multiple=True, help="A work that is this file: by its SHA-256.")
@click.option("--holder", required=True, metavar="ID", help="The author or rights holder.")
@click.option("--holder-name", multiple=True, required=True, metavar="LANG=TEXT", help="Their name.")
@click.option("--key", "key", type=options.FILE, required=True, help="Private key, a PEM file.")
@click.option("-o", "--out", type=options.FILE, required=True, help="Where the declaration is written.")
@deny_option
@click.option("--allow", multiple=True, type=click.Choice(_CATEGORIES), help="A use that is allowed: information only.")
@click.option("--from", "begins", metavar="TIME", help="When it begins. Default: now.")
@click.option("--until", metavar="TIME", help="When it ends. Default: never.")
@licence_option
@click.option("--publish", type=options.FOLDER, help="Write the forms for publication into this folder.")
@options.password_file
@options.now
def declare(
    works: tuple[str, ...],
    files: tuple[Path, ...],
    holder: str,
    holder_name: tuple[str, ...],
    key: Path,
    out: Path,
    deny: tuple[str, ...],
    allow: tuple[str, ...],
    begins: str | None,
    until: str | None,
    licence: str,
    publish: Path | None,
    password_file: Path | None,
    now: str | None,
) -> Output:
    """Declare, signed, what is refused about your works; print the forms for publication.

    WORKS are domains (with all below them), URLs (those that end in / or * with all below them), or identifiers:
    SHA-256, DOI, ISBN, ISCC. Scans take the declaration with --registry.
    """
    from datalib.library.store import write_file
    from datalib.optout import agents
    from datalib.optout import publish as publishing
    from datalib.optout.declaration import DEFAULT
    from datalib.optout.declaration import declare as sign
    from datalib.optout.outputs import sha256_of
    from datalib.trust.parties import Party, check_party_id

    say, moment = texts(), clock(now)
    (opened,) = options.load_keys((key,), password_file, say("Password of {key}"))
    said, data = sign(
        [*works, *(f"sha256:{sha256_of(path)}" for path in files)],
        holder=Party(id=check_party_id(holder, "--holder"), name=options.names(holder_name, "--holder-name")),
        key=opened,
        now=moment,
        deny=deny or DEFAULT,
        allow=allow,
        begins=time_of(begins, "--from") if begins else None,
        until=time_of(until, "--until") if until else None,
        licence=licence,
    )
    target, folder = options.outside(out), options.outside(publish) if publish else None
    found = publishing.forms(said, agents.default())
    if folder:
        _publish(folder, found.forms)
    write_file(target, data)
    return Output(
        data={
            "declaration": said.to_dict(), "file": str(out), "keyid": said.signed_by, "left_out": dict(found.left_out),
            "forms": [{"name": f.name, "host": f.host, "path": f.path, "text": f.text} for f in found.forms],
            "published": None if folder is None else str(folder),
        },
        lines=[
            *_said_lines(out, said),
            *_form_lines(found.forms, folder),
            *(say(LEFT_OUT[why], form=name) for name, why in sorted(found.left_out.items())),
        ],
    )  # fmt: skip


def _publish(folder: Path, forms: "Sequence[Form]") -> None:
    from datalib.library.store import write_file

    for form in forms:
        place = folder / form.path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unchecked("E-IO", str(place.parent), error.strerror or "") from error
        write_file(place, form.text.encode())


def _said_lines(out: Path, said: "Declaration") -> list[str]:
    from datalib.optout.model import CATEGORIES, State

    say = texts()
    refused = [name for name in CATEGORIES if said.refused[name] is State.DENY]
    begins = format_time(said.begins)
    return [
        say("declaration: {path}", path=out),
        say("refused: {categories}", categories=", ".join(refused)),
        say("from {time}, without end", time=begins)
        if said.until is None
        else say("from {time} until {end}", time=begins, end=format_time(said.until)),
        f"keyid: {said.signed_by}",
    ]


def _form_lines(forms: "Sequence[Form]", folder: Path | None) -> list[Block]:
    say, lines = texts(), list[Block]()
    for form in forms:
        if folder is not None:
            lines.append(say("written: {path}", path=folder / form.path))
            continue
        title = f"{form.name} ({form.host})" if form.host else form.name
        lines += ["", f"## {title}", *(Line(text=line, exact=True) for line in form.text.splitlines())]
    return lines


@click.command("embed", cls=Command)
@click.argument("file", type=options.FILE)
@click.option("-o", "--out", type=options.FILE, required=True, help="The copy that is written.")
@deny_option
@licence_option
@click.option("--break-credentials", is_flag=True, help="Also where C2PA content credentials will no longer fit.")
def embed(file: Path, out: Path, deny: tuple[str, ...], licence: str, break_credentials: bool) -> Output:
    """Write a refusal into a copy of a file: XMP in JPEG, PNG and PDF.

    Pictures and all other metadata stay as they are. Signed PDF files, and files with content credentials, are left
    alone: embed first, then sign.
    """
    from datalib.optout.declaration import DEFAULT
    from datalib.optout.embed import embed as write
    from datalib.optout.model import Reading, State
    from datalib.optout.refusal import Refusal, check_licence

    said = Refusal(reading=Reading.of(State.DENY, *(deny or DEFAULT)), licence=check_licence(licence))
    done, say = write(file, options.outside(out), said, break_credentials=break_credentials), texts()
    refused = [name for name, state in done.states.items() if state == State.DENY.label]
    return Output(
        data=done.to_dict(),
        lines=[
            say("written: {path}", path=done.out),
            say("refused: {categories}", categories=", ".join(refused)),
            f"sha256: {done.sha256}",
        ],
    )
