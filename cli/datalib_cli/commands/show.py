"""``datalib show``: a library at a glance."""

from pathlib import Path

import click

from datalib.errors import Refused
from datalib_cli import options
from datalib_cli.base import Command, Output, texts
from datalib_cli.show import show_data, show_lines


@click.command("show", cls=Command)
@click.argument("library", type=options.FOLDER)
def command(library: Path) -> Output:
    """Show a library at a glance: producer, owner, purposes, sources, what it was made of, time line.

    Reads drafts too. Nothing is verified: that is `datalib verify`.
    """
    from datalib import acts
    from datalib.assembly.survey import Upstream, survey
    from datalib.library.store import Folder

    with Folder(library) as folder:
        found = acts.read_manifest(folder)
        past = acts.record(folder) if folder.exists("chain.jsonl") else None
    below: tuple[Upstream, ...] = ()
    fault = None
    try:
        below = survey(library, found, past.library if past else None)
    except Refused as error:
        fault = error  # what is upstream cannot be read; the rest can
    say = texts()
    return Output(data=show_data(found, past, below, fault), lines=show_lines(found, past, below, fault, say))
