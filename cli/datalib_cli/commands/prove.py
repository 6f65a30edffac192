"""``datalib prove``: prove one file present or absent."""

from pathlib import Path

import click

from datalib_cli import options
from datalib_cli.base import Command, Output, texts


@click.command("prove", cls=Command)
@click.argument("library", type=options.FOLDER)
@click.argument("path")
@click.option("-o", "--out", type=options.FILE, required=True, help="Where the proof is written.")
def command(library: Path, path: str, out: Path) -> Output:
    """Prove that a file is in a library, or is not, without the rest of it.

    PATH is a path as the listing has it. The proof is for the state that was signed last; hand it over together with
    datapackage.json and chain.jsonl. Nothing is verified here: whoever receives it runs `datalib verify-proof`.
    """
    from datalib import fileproof
    from datalib.library.store import write_file

    say = texts()
    options.outside(out)
    made = fileproof.make(library, path)
    write_file(out, made.serialise())
    return Output(
        data={
            "proof": str(out),
            "result": "present" if made.sha256 else "absent",
            "path": made.path,
            "sha256": made.sha256 or None,
            "library": made.library,
            "event": made.event,
            "manifest": made.manifest,
        },
        lines=[
            say("{path}: present, SHA-256 {sha256}", path=made.path, sha256=made.sha256)
            if made.sha256
            else say("{path}: absent", path=made.path),
            say("proof: {path}", path=out),
            say("hand over with it: {manifest} and {chain}", manifest="datapackage.json", chain="chain.jsonl"),
        ],
    )
