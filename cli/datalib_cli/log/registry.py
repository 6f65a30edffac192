"""``datalib log init``, ``submit``, ``publish``, ``prove``: the registry's side of a log."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.layout import Line
from datalib_cli.log.options import log_argument, note_signer, read_rules, rules

if TYPE_CHECKING:
    from datalib.submission import Proven
    from datalib.trust.registry import Publication
    from datalib_cli.texts import Texts


@click.command("init", cls=Command)
@log_argument
@click.option("--origin", required=True, metavar="NAME", help="The log's name, as registry.example/log.")
@click.option("--key", type=options.FILE, required=True, help="The log's private key (Ed25519), a PEM file.")
@options.password_file
def init(log: Path, origin: str, key: Path, password_file: Path | None) -> Output:
    """Make the folder of a log, and print its public key as policies name it.

    The folder can be served by any web server as it is. The private key stays where it is; keep it out of the folder.
    """
    from datalib.trust import registry
    from datalib.trust.notes import KeyType

    say = texts()
    signer = note_signer(origin, KeyType.LOG, key, password_file)
    registry.create(options.outside(log), signer, key.resolve())
    return Output(
        data={"log": str(log), "origin": origin, "vkey": signer.key.vkey},
        lines=[
            say("log: {path}", path=log),
            say("public key: {vkey}", vkey=signer.key.vkey),
            say("line of a log policy:"),
            Line(text=f"log {signer.key.vkey}", exact=True),
        ],
    )


@click.command("submit", cls=Command)
@log_argument
@click.argument("library", type=options.FOLDER, required=False)
@click.option("--policy", type=options.FILE, required=True, help="The policy: parties, their keys and roles, the log.")
@click.option("--roots", type=options.FILE, required=True, help="The pinned root keys of the policy.")
@options.data
@options.now
def submit(log: Path, library: Path | None, policy: Path, roots: Path, data: str, now: str | None) -> Output:
    """Verify a library whole, and admit its new events to the log.

    They are published by `datalib log publish`. Once they are, submitting again puts their proofs into the library. The
    policy is admitted too; without a library, it alone.
    """
    from datalib import submission
    from datalib.trust.policy import Roots
    from datalib.verify import believe

    say, moment = texts(), clock(now)
    pinned = Roots.parse(options.read_file(roots), str(roots))
    believed = believe(options.read_file(policy), pinned, moment, None)
    if library is None:
        admitted = submission.submit_policy(log, policy=believed, roots=None, now=moment)
        told = say("admitted: the policy {sha256}", sha256=admitted) if admitted else say("nothing new")
        return Output(data={"policy": admitted}, lines=[told])
    done = submission.submit(log, library, policy=believed, roots=None, now=moment, data=data)
    proven = submission.prove(log, library, now=moment, policy=believed.log) if done.published else None
    lines = [say("library: {id}", id=done.library), *(say("admitted: {event}", event=event) for event in done.events)]
    if done.policy:
        lines.append(say("admitted: the policy {sha256}", sha256=done.policy))
    if not done.events:
        lines.append(say("nothing new: the log has every event"))
    step = ""
    if proven is None:
        step = say("next: datalib log publish {log}, then datalib log prove {log} {library}", log=log, library=library)
    else:
        lines += _proven_lines(proven, say)
    return Output(
        data={
            "library": done.library,
            "admitted": list(done.events),
            "policy": done.policy,
            "waiting": done.waiting,
            "published": done.published,
            "proven": list(proven.events) if proven else [],
        },
        lines=lines,
        step=step,
    )


@click.command("publish", cls=Command)
@log_argument
@click.option("--key", type=options.FILE, help="The log's private key. Default: where it was when the log was made.")
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="[NAME=]URL",
    help="A witness to ask, by its name in the log policy; repeatable. Default: those whose URL the log policy says.",
)
@click.option("--timeout", type=click.FloatRange(0.1, 3600), default=10.0, help="Seconds for one witness. Default: 10.")
@rules
@options.password_file
@options.now
def publish(
    log: Path,
    key: Path | None,
    witnesses: tuple[str, ...],
    timeout: float,
    log_policy: Path | None,
    policy: Path | None,
    roots: Path | None,
    password_file: Path | None,
    now: str | None,
) -> Output:
    """Publish what was admitted: the heads of all libraries, a checkpoint, the witnesses' cosignatures.

    An interrupted publication is completed first. With nothing new the heads are published again: proofs of heads grow
    old. If too few witnesses answer, nothing changes for readers; the next run asks them for the same checkpoint.
    """
    from datalib.log_client import asking, peers
    from datalib.trust import registry
    from datalib.trust.notes import KeyType

    say, moment = texts(), clock(now)
    found = read_rules(log_policy, policy, roots, moment).log
    public, place = registry.key_of(log)
    signer = note_signer(public.name, KeyType.LOG, key or place, password_file)
    with registry.opened(log) as opened:
        asked = peers(found or opened.alone, witnesses)
        done = opened.publish(signer, asking(asked, lambda: moment if now else clock(None), timeout), found)
    lines = [line for publication in done for line in _published_lines(publication, say)]
    if found is None or found.quorum is None:
        lines.append(say("no witnesses: the proofs of this checkpoint have no time"))
    step = say("next: `datalib log prove {log} LIBRARY` puts the proofs into a library", log=log)
    return Output(
        data={"log": str(log), "publications": [_published(publication) for publication in done]},
        lines=lines,
        step=step if any(publication.events for publication in done) else "",
    )


def _published(done: "Publication") -> dict[str, Any]:
    from datalib.formats import format_time

    return {
        "size": done.size,
        "root": done.root,
        "events": done.events,
        "libraries": done.libraries,
        "time": None if done.time is None else format_time(done.time),
        "cosigners": list(done.cosigners),
        "failures": [{"witness": name, "reason": reason} for name, reason in done.failures],
    }


def _published_lines(done: "Publication", say: "Texts") -> list[str]:
    from datalib.formats import format_time

    lines = [
        say("published: {size} entries, {events} new events, {libraries} libraries", **_published(done)),
        say("root: {root}", root=done.root),
        *(say("cosigned: {name}", name=name) for name in done.cosigners),
        *(say("not cosigned: {name}: {reason}", name=name, reason=reason) for name, reason in done.failures),
    ]
    return [*lines, say("time: {time}", time=format_time(done.time))] if done.time is not None else lines


@click.command("prove", cls=Command)
@log_argument
@click.argument("library", type=options.FOLDER)
@rules
@options.now
def prove(
    log: Path,
    library: Path,
    log_policy: Path | None,
    policy: Path | None,
    roots: Path | None,
    now: str | None,
) -> Output:
    """Put the log's proofs into a library: one for each event, and one that its last event is the newest.

    With a policy, each is one that its quorum of witnesses cosigned. Proofs that hold are kept.
    """
    from datalib import submission

    say, moment = texts(), clock(now)
    done = submission.prove(log, library, now=moment, policy=read_rules(log_policy, policy, roots, moment).log)
    return Output(
        data={"library": done.library, "proven": list(done.events), "head": done.head, "size": done.size},
        lines=[say("library: {id}", id=done.library), *_proven_lines(done, say)],
    )


def _proven_lines(done: "Proven", say: "Texts") -> list[str]:
    return [
        *(say("proof: {path}", path=f"proofs/{event}.tlog-proof") for event in done.events),
        say("proof: {path}", path="proofs/head.json"),
    ]
