"""``datalib show``: a library at a glance."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datalib.errors import Refused
from datalib_cli import options
from datalib_cli.base import Command, Output, texts
from datalib_cli.show import Glance, events_shown, show_data, show_lines

if TYPE_CHECKING:
    from datalib.library.manifest import Content
    from datalib.library.store import Folder
    from datalib.unverified import Record


@click.command("show", cls=Command)
@click.argument("library", type=options.FOLDER)
@click.option(
    "--all", "everything", is_flag=True, help="Show all sources, upstream libraries and events, however many."
)
def command(library: Path, everything: bool) -> Output:
    """Show a library at a glance: producer, owner, purposes, sources, what it was made of, time line.

    Reads drafts too. Nothing is verified: that is `datalib verify`.
    """
    from datalib import unverified
    from datalib.assembly.survey import Upstream, survey
    from datalib.library.store import Folder

    with Folder(library) as folder:
        manifest = unverified.read_manifest(folder)
        past = unverified.record(folder) if folder.exists("chain.jsonl") else None
        contents = _contents(folder, past, everything=everything) if past else {}
    below: tuple[Upstream, ...] = ()
    fault = None
    try:
        below = survey(library, manifest, past.library if past else None)
    except Refused as error:
        fault = error  # what is upstream cannot be read; the rest can
    found = Glance(manifest=manifest, past=past, below=below, fault=fault, contents=contents)
    return Output(data=show_data(found), lines=show_lines(found, texts(), everything=everything))


def _contents(folder: "Folder", past: "Record", *, everything: bool) -> "Mapping[str, Content]":
    """Read what the signed versions of the manifest say of the files, for the events that are shown."""
    from datalib import unverified
    from datalib.library import manifest

    found: dict[str, Content] = {}
    wanted = dict.fromkeys(
        past.chain[max(number - back, 0)].event.manifest
        for part in events_shown(len(past.chain), everything=everything)
        for number in part
        for back in (0, 1)
    )
    for digest in wanted:
        try:
            content = manifest.parse_draft(unverified.version(folder, digest)).content
        except Refused:  # verify says so; the rest can be told
            continue
        if content is not None:
            found[digest] = content
    return found
