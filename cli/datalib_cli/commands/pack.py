"""``datalib pack``: put a library into one file."""

from pathlib import Path

import click

from datalib_cli import options
from datalib_cli.base import Command, Output, texts


@click.command("pack", cls=Command)
@click.argument("library", type=options.FOLDER)
@click.option("-o", "--out", type=options.FILE, required=True, help="The archive: .tar, .tar.gz or .zip.")
def command(library: Path, out: Path) -> Output:
    """Put a library into one file: tar, tar.gz or zip.

    The same library always gives the same bytes. Nothing is verified: whoever receives it runs `datalib verify` on it.
    """
    from datalib.archive.pack import pack

    say = texts()
    done = pack(library, options.outside(out))
    return Output(
        data={"archive": str(out), "kind": str(done.kind), "files": done.files, "bytes": done.bytes},
        lines=[say("packed: {path}, {files} files, {bytes} bytes", path=out, files=done.files, bytes=done.bytes)],
        step=say("next: whoever receives it runs `datalib verify {path}`", path=out),
    )
