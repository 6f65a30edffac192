"""``datalib verify-proof``: check the proof for one file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from datalib.errors import Misuse, Refused, Unchecked
from datalib.formats import format_time
from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.render import NOT_CHECKED, PROOF_NOT_CHECKED

if TYPE_CHECKING:
    from datalib.fileproof import Shown, State


@click.command("verify-proof", cls=Command)
@click.argument("proof", type=options.FILE)
@click.option("--path", default="", help="The path in question. Default: the one the proof was made for.")
@click.option("--manifest", type=options.FILE, help="The manifest that the proof must lead to.")
@click.option("--chain", type=options.FILE, help="The chain of the library, chain.jsonl: ties the manifest to it.")
@click.option(
    "--library", type=options.FOLDER, help="Instead of both: a library, its data and listing may be left out."
)
@click.option("--library-id", default="", metavar="ID", help="The id that the library must have.")
@click.option("--file", "own", type=options.FILE, help="Your copy: it must have the bytes that are listed.")
@click.option("--expect", type=click.Choice(["present", "absent"]), help="The answer that is exit 0; else both are.")
@options.trust
@options.now
def command(
    proof: Path,
    path: str,
    manifest: Path | None,
    chain: Path | None,
    library: Path | None,
    library_id: str,
    own: Path | None,
    expect: str | None,
    trust: options.TrustOptions,
    now: str | None,
) -> Output:
    """Check the proof for one file.

    With --manifest: does the proof lead to this manifest? With --chain too: is this manifest one that the library
    signed? With --policy and --roots, or --key: are the signatures good? With --library everything is checked that
    needs no data. What was not checked is said.
    """
    from datalib import fileproof

    held = _state(manifest, chain, library, trust, clock(now))
    if library_id and held.library != library_id:
        raise Refused("E-CHAIN-LIB", library_id, held.library and f"the chain is that of {held.library}")
    found = fileproof.ProofFile.parse(options.read_file(proof), str(proof))
    shown = fileproof.check(found, held, path, str(proof))
    if own is not None:
        _compare(own, shown)
    return Output(
        data={**fileproof.to_dict(shown), "same_file": None if own is None else True},
        lines=_lines(shown, own),
        status=1 if expect not in {None, str(shown.presence)} else 0,
    )


def _state(
    manifest: Path | None, chain: Path | None, library: Path | None, trust: options.TrustOptions, now: int
) -> "State":
    from datalib import fileproof
    from datalib.verify import believe

    if (library is None) == (manifest is None) or (library is not None and chain is not None):
        raise Misuse("E-USAGE", "--manifest", "either --manifest FILE [--chain FILE] or --library DIR")
    if library is not None:
        given, pinned = trust.believed()
        memory = trust.memory()
        return fileproof.from_library(library, believe(given, pinned, now, memory), now, memory)
    data = options.read_file(manifest or Path())
    if chain is None:
        if trust.given:
            raise Misuse("E-USAGE", "--chain", "signatures are in the chain")
        return fileproof.from_manifest(data, str(manifest))
    believed = None
    if trust.given:
        given, pinned = trust.believed()
        believed = believe(given, pinned, now)
    return fileproof.from_chain(data, options.read_file(chain), believed, now)


def _compare(own: Path, shown: "Shown") -> None:
    """Refuse a copy that is not the listed file."""
    import hashlib

    if not shown.sha256:
        raise Misuse("E-USAGE", "--file", "the path is absent: there is nothing to compare with")
    try:
        with own.open("rb") as file:
            computed = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unchecked("E-IO", str(own), error.strerror or "") from error
    if computed != shown.sha256:
        raise Refused("E-FILE-DIGEST", str(own), f"computed {computed}, listed {shown.sha256}")


def _lines(shown: "Shown", own: Path | None) -> list[str]:
    say, state = texts(), shown.state
    name = next(iter(state.producer.name.values()))
    lines = [
        say("{path}: present, SHA-256 {sha256}", path=shown.path, sha256=shown.sha256)
        if shown.sha256
        else say("{path}: absent", path=shown.path)
    ]
    if own is not None:
        lines.append(say("{file}: the same bytes", file=own))
    lines.append(say("producer: {id} ({name})", id=state.producer.id, name=name))
    lines.append(say("manifest: {sha256}", sha256=state.sha256))
    if state.event is not None:
        lines += [
            say("library: {id}", id=state.library),
            say(
                "state after event {number} of {count}: {kind}, {time}",
                number=state.position + 1,
                count=len(state.chain),
                kind=type(state.event.event).__name__.lower(),
                time=format_time(state.event.event.time),
            ),
            say("signatures: verified") if state.signed else say("signatures: not verified"),
        ]
        if state.trusted is not None:
            lines.append(say("logged by {time}", time=format_time(state.trusted)))
        if not state.newest:
            lines.append(say("the chain goes on: this is not its last state"))
    lines.append(say("not checked:"))
    return [*lines, *(f"  - {say((NOT_CHECKED | PROOF_NOT_CHECKED)[code])}" for code in state.not_checked)]
