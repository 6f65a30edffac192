"""``datalib sign``: list, complete, sign."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.render import COSIGN, act_data, note_lines
from datalib_cli.texts import Texts

if TYPE_CHECKING:
    from datalib.engine import Engine
    from datalib.library.cache import Cache, Reuse


@click.command("sign", cls=Command)
@click.argument("library", type=options.FOLDER)
@options.signing_key
@options.reason
@click.option(
    "-o", "--out", type=options.FILE, help="Where an event is written that wants the producer's signature too."
)
@click.option(
    "--cache",
    type=options.FILE,
    help="A file outside the library that keeps digests: files whose size, times and inode are as they were are not "
    "read again. Created when missing.",
)
@options.actor
@options.actor_name
@options.password_file
@options.hashing
@options.progress
@options.now
def command(
    library: Path,
    keys: tuple[str, ...],
    reason: str | None,
    out: Path | None,
    cache: Path | None,
    actor: str | None,
    actor_name: tuple[str, ...],
    password_file: Path | None,
    engine: "Engine | None",
    progress: str,
    now: str | None,
) -> Output:
    """List and hash the files, complete the manifest, sign it.

    The first signature makes the library (genesis); later ones amend it. A new purpose needs the producer's signature
    beside the owner's: give both keys, or -o FILE and let the producer run `datalib cosign FILE`.

    With --cache FILE, what it knows is not read again, and a run that was killed goes on where it stopped.
    """
    from datalib import acts
    from datalib.library.store import write_file
    from datalib.progress import adding
    from datalib_cli.progress import meter, size_of

    if reason is not None and reason not in acts.REASONS:
        raise Misuse("E-USAGE", "--reason", ", ".join(acts.REASONS))
    opened = options.load_keys(tuple(map(Path, keys)), password_file, texts()("Password of {key}"))
    party = options.party(library, actor, actor_name)
    with meter(progress) as watch, _opened(cache) as known:
        add = adding(watch, "hash", size_of(library)) if watch else None
        how: acts.Hashing = {"progress": add, "cache": known, "engine": engine}
        done = acts.sign(library, keys=opened, now=clock(now), actor=party, reason=reason, **how)
    say = texts()
    if done.pending is not None:
        if out is None:
            raise Misuse("E-SIG-PENDING", str(library))
        write_file(options.outside(out), done.pending + b"\n")
    lines, step = note_lines(done.warnings, say), ""
    if done.content is not None:
        lines.append(say("listed: {files} files, {bytes} bytes", files=done.content.files, bytes=done.content.bytes))
    if known is not None:
        lines += _cache_lines(known.reuse, say)
    if done.kind == "none":
        lines.append(say("nothing has changed since the last signature"))
    elif done.event is None:
        lines.append(say("half signed: {path}", path=out))
        step = say(COSIGN, path=out, library=library)
    else:
        lines += [f"{done.kind}: {done.event}", say("library: {id}", id=done.library)]
        step = say(
            "next: `datalib scan {library} -o SCAN` looks for opt-outs, then `datalib attest`: the gate asks for it",
            library=library,
        )
    return Output(data=act_data(done) | {"cache": asdict(known.reuse) if known else None}, lines=lines, step=step)


@contextmanager
def _opened(path: Path | None) -> "Iterator[Cache | None]":
    from datalib.library.cache import Cache

    if path is None:
        yield None
        return
    with Cache(options.outside(path), seed=os.urandom(16), clock=time.time_ns) as cache:
        yield cache


def _cache_lines(reuse: "Reuse", say: Texts) -> list[str]:
    return [
        say("not read: {reused} files, whose size, times and inode the cache knows", reused=reuse.reused),
        say("read: {hashed} files, of them {tested} to test the cache", hashed=reuse.hashed, tested=reuse.tested),
    ]
