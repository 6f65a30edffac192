"""``datalib demo``: the whole story on a small real library."""

from pathlib import Path

import click

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.base import Command, Output, texts


@click.command("demo", cls=Command)
@click.option(
    "-o", "--out", type=options.FOLDER, default=Path("datalib-demo"), help="Folder for everything the demo makes."
)
def command(out: Path) -> Output:
    """Tell the whole story on a small real library: fetch, scan, sign, hand over, verify, refuse.

    Every step is a real command; the sites are served by a real web server on this machine.
    """
    from datalib_cli.narration import STORY, tell

    if options.outside(out).exists() and any(out.iterdir()) and not (out / STORY).exists():
        raise Misuse("E-USAGE", str(out), "not empty, and not an earlier demo")
    say = texts()
    story = tell(out, say)
    return Output(
        data=story.to_dict(), lines=[say("made: {path}", path=path) for path in story.made], status=story.status
    )
