"""``datalib log monitor``, ``serve``, ``witness``: those who look at a log."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.layout import Block, Line
from datalib_cli.log.options import host, log_argument, note_signer, port, read_rules, rules, run

if TYPE_CHECKING:
    from datalib.trust.entries import PolicyEntry
    from datalib.trust.logpolicy import LogPolicy
    from datalib.trust.monitor import Watched
    from datalib.trust.notes import NoteKey
    from datalib.trust.state import Memory

vkeys = click.option("--log-vkey", "vkeys", multiple=True, metavar="VKEY", help="Public key of a log; repeatable.")


def _log_keys(values: tuple[str, ...]) -> "tuple[NoteKey, ...]":
    from datalib.trust.notes import KeyType, NoteKey

    return tuple(NoteKey.from_vkey(value, KeyType.LOG, "E-LOG-POLICY", "--log-vkey") for value in values)


def _rules(given: "LogPolicy | None", values: tuple[str, ...], log: str) -> "LogPolicy":
    """Find whose log it should be: the policy's, the key's of the command line, else the folder's own."""
    from datalib.trust import registry
    from datalib.trust.logpolicy import LogPolicy

    if given is not None:
        if values:
            raise Misuse("E-USAGE", "--log-vkey", "either a policy or --log-vkey")
        return given
    keys = _log_keys(values)
    if not keys:
        if "://" in log:
            raise Misuse("E-USAGE", "--log-vkey", "the key of a log at a URL must be known: --log-vkey or --log-policy")
        keys = (registry.key_of(Path(log))[0],)
    return LogPolicy(logs=keys, witnesses={}, groups={}, quorum=None)


@click.command("monitor", cls=Command)
@click.argument("log", metavar="LOG|URL")
@vkeys
@rules
@click.option("--state", type=options.FILE, help="What this monitor has seen before; created when missing.")
@options.now
def monitor(
    log: str,
    vkeys: tuple[str, ...],
    log_policy: Path | None,
    policy: Path | None,
    roots: Path | None,
    state: Path | None,
    now: str | None,
) -> Output:
    """Re-derive a log from its first entry, in a folder or at a URL, and report what its registry must not have done.

    With --state the log must continue what was seen at the last run.
    """
    from datalib.verify import load_state, save_state

    moment = clock(now)
    given = read_rules(log_policy, policy, roots, moment)
    believed, memory = _rules(given.log, vkeys, log), load_state(state) if state else None
    found = _watch(log, believed, given.policy, moment, memory)
    if state is not None and not found.findings:
        save_state(state, found.memory)
    return Output(data=_watched(found), lines=_watched_lines(found), status=1 if found.findings else 0)


def _watch(
    log: str, policy: "LogPolicy", registered: "PolicyEntry | None", now: int, memory: "Memory | None"
) -> "Watched":
    from datalib.trust import logfolder, monitor

    watch = partial(monitor.watch, policy=policy, now=now, memory=memory, registered=registered)
    if "://" in log:
        from datalib.log_client import Connection

        with Connection(log) as connection:
            return watch(connection.fetch)
    with logfolder.reading(Path(log)) as files:
        return watch(files.read)


def _watched(found: "Watched") -> dict[str, Any]:
    import datalib_vocab
    from datalib.formats import format_time
    from datalib.trust.monitor import worst

    first, lang = worst(found.findings), texts().lang
    return {
        "accepted": first is None,
        "code": first.code if first else None,
        "message": datalib_vocab.text(first.code, lang) if first else "",
        "where": first.where if first else "",
        "origin": found.checkpoint.origin,
        "size": found.checkpoint.size,
        "root": found.checkpoint.root.hex(),
        "time": None if found.time is None else format_time(found.time),
        "events": found.events,
        "libraries": found.libraries,
        "publications": found.publications,
        "policies": found.policies,
        "faults": found.faults,
        "findings": [{"code": each.code, "where": each.where, "detail": each.detail} for each in found.findings],
    }


def _watched_lines(found: "Watched") -> list[Block]:
    import datalib_vocab

    say, data = texts(), _watched(found)
    lines: list[Block] = [
        say("log: {path}", path=data["origin"]),
        say("{size} entries: {events} events, {publications} publications, {policies} policies", **data),
        say("libraries: {libraries}", **data),
        say("root: {root}", root=data["root"]),
    ]
    if data["time"]:
        lines.append(say("time: {time}", time=data["time"]))
    for each in found.findings:
        meaning = datalib_vocab.text(each.code, say.lang)
        told = f"{each.code}: {each.where}: {meaning}" + (f" ({each.detail})" if each.detail else "")
        lines.append(Line(text=told, tone="bad"))
    return [*lines, say("faults: {count}", count=found.faults)]


@click.command("serve", cls=Command)
@log_argument
@host
@port
def serve(log: Path, host: str, port: int) -> Output:
    """Serve the public files of a log over HTTP, for trying it. Any web server can do the same."""
    from datalib.library.store import Folder
    from datalib.log_server import serve_log
    from datalib.trust import registry

    registry.key_of(log)
    with Folder(log) as folder:
        server = serve_log(folder, host, port)
        run(server)
    return Output(data={"url": server.url})


@click.command("witness", cls=Command)
@click.option("--key", type=options.FILE, required=True, help="The witness's private key (Ed25519), a PEM file.")
@click.option("--name", required=True, metavar="NAME", help="The witness's name, as witness.example/w1.")
@vkeys
@click.option("--state", type=options.FILE, required=True, help="What this witness has cosigned; created when missing.")
@host
@port
@options.password_file
def witness(
    key: Path, name: str, vkeys: tuple[str, ...], state: Path, host: str, port: int, password_file: Path | None
) -> Output:
    """Cosign checkpoints of logs over HTTP, each only if it continues the one before. C2SP tlog-witness.

    What was cosigned is on disk before the answer leaves. Never run one key with two state files.
    """
    from datalib.log_server import Witness, serve_witness
    from datalib.trust.notes import KeyType

    logs = _log_keys(vkeys)
    if not logs:
        raise Misuse("E-USAGE", "--log-vkey", "the key of at least one log")
    signer = note_signer(name, KeyType.WITNESS, key, password_file)
    with Witness(signer, logs, options.outside(state), lambda: clock(None)) as opened:
        server = serve_witness(opened, host, port)
        run(server)
        sizes = {origin: tree.size for origin, tree in opened.memory.logs.items()}
    return Output(data={"url": server.url, "vkey": signer.key.vkey, "cosigned": sizes})


@click.command("vkey", cls=Command)
@click.argument("key", type=options.FILE)
@click.option("--name", required=True, metavar="NAME", help="The witness's name, as witness.example/w1.")
def vkey(key: Path, name: str) -> Output:
    """Print the public key of a witness as log policies name it; KEY is a public or private PEM file."""
    from datalib.trust.keys import PublicKey
    from datalib.trust.notes import KeyType, NoteKey

    data = options.read_file(key)
    if b"PRIVATE KEY" in data:
        public = options.load_keys((key,), None, texts()("Password of {key}"))[0].public
    else:
        public = PublicKey.from_pem(data, str(key))
    named = NoteKey.named(name, KeyType.WITNESS, public)
    return Output(data={"name": name, "vkey": named.vkey}, lines=[Line(text=named.vkey, exact=True)])
