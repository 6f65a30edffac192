"""``datalib init``: describe a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.layout import Block, Line, Row, Table
from datalib_cli.render import note_data, note_lines


@click.command("init", cls=Command)
@click.argument("folder", type=options.FOLDER)
@click.option("--producer-id", metavar="ID", help="Who organised the data: kz-bin:…, lei:…, orcid:…, x-REGISTER:….")
@click.option("--producer-name", multiple=True, metavar="LANG=TEXT", help="The producer's name, once per language.")
@options.purposes
@click.option("--source", "sources", multiple=True, metavar="TITLE[=URL]", help="Where the data came from; repeatable.")
@click.option("--license", "license_", default="", metavar="SPDX", help="Licence: an SPDX id or a URL.")
@click.option(
    "--from", "members", type=options.FILE, help="A YAML or JSON file with any other members of the manifest."
)
@click.option("--leave-out", is_flag=True, help="Move version control and caches out, to FOLDER.left-out.")
@options.now
def command(
    folder: Path,
    producer_id: str | None,
    producer_name: tuple[str, ...],
    purposes: tuple[str, ...],
    sources: tuple[str, ...],
    license_: str,
    members: Path | None,
    leave_out: bool,
    now: str | None,
) -> Output:
    """Describe a folder: write an unsigned draft of datapackage.json.

    Tables become resources with their schemas, everything else is summed up. A descriptor that is there already is kept
    and completed. Edit the draft as you like, then sign it.
    """
    from datalib.library import clutter, describe, draft, yaml_text
    from datalib.library.store import Folder

    names = options.names(producer_name, "--producer-name")
    if bool(producer_id) != bool(names):
        raise Misuse("E-USAGE", "--producer-id", "--producer-id ID and --producer-name LANG=TEXT go together")
    said = describe.Statements(
        producer={"id": producer_id, "name": names} if producer_id else {},
        purposes=purposes,
        sources=[source_value(value) for value in sources],
        license=license_,
        members=yaml_text.parse(options.read_file(members), where=str(members)) if members else {},
    )
    with Folder(folder) as opened:
        found = describe.describe(opened, said, now=clock(now), leave_out_clutter=leave_out)
        if found.refused:
            return _refused(found.refused)
        if found.left_out:
            clutter.set_aside(folder, found.left_out)
        opened.sweep()
        opened.write("datapackage.json", draft.render(found.document))
    return _done(folder, found)


def source_value(value: str) -> Mapping[str, str]:
    """Read ``TITLE`` or ``TITLE=URL``; ``Misuse("E-USAGE")`` for another form."""
    title, equals, url = value.partition("=")
    if not title or (equals and not url):
        raise Misuse("E-USAGE", "--source", f"{value!r} is not TITLE or TITLE=URL")
    return {"title": title, "path": url} if url else {"title": title}


def _refused(paths: Any) -> Output:
    say = texts()
    rows = [Row(cells=(item.code, item.path, f"→  {item.suggestion or '-'}")) for item in paths]
    data = [{"path": item.path, "code": item.code, "suggestion": item.suggestion} for item in paths]
    head = say(
        "{count} names cannot be in a library; rename them (a name that would do stands behind the arrow):",
        count=len(rows),
    )
    return Output(data={"accepted": False, "refused": data}, lines=[head, Table(rows=rows, indent=0)], status=1)


def _done(folder: Path, found: Any) -> Output:
    say = texts()
    document = found.document
    tables = document["resources"]
    others = document["datalib"].get("collections", [])
    lines: list[Block] = [
        say("draft: {path}", path=folder / "datapackage.json"),
        say("resources: {count} ({names})", count=len(tables), names=", ".join(item["name"] for item in tables[:6])),
        *(
            say(
                "collection: {prefix} {files} files, {bytes} bytes",
                prefix=item["prefix"] or ".",
                files=item["files"],
                bytes=item["bytes"],
            )
            for item in others
        ),
        *note_lines(found.warnings, say),
    ]
    if (folder / "chain.jsonl").exists():
        text = say("the library is signed: until `datalib sign` amends it, `datalib verify` refuses it with this draft")
        lines.append(Line(text=text, tone="warn"))
    step = say("next: read the draft, then `datalib sign {folder} --key KEY.pem`", folder=folder)
    data = {
        "draft": str(folder / "datapackage.json"),
        "resources": [item["name"] for item in tables],
        "collections": others,
        "warnings": note_data(found.warnings),
        "left_out": list(found.left_out),
    }
    return Output(data=data, lines=lines, step=step)
