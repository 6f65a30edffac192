"""What the commands of a log share: its rules, its key, addresses to listen at."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.base import texts

if TYPE_CHECKING:
    from datalib.log_server import Server
    from datalib.trust.entries import PolicyEntry
    from datalib.trust.logpolicy import LogPolicy
    from datalib.trust.notes import KeyType, NoteSigner

Decorated = Callable[..., Any]

log_argument = click.argument("log", type=options.FOLDER)
host = click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Where to listen. Default: 127.0.0.1.")
port = click.option("--port", default=0, type=click.IntRange(0, 65_535), help="Port to listen at. Default: a free one.")


def rules(function: Decorated) -> Decorated:
    """Add ``--log-policy``, ``--policy`` and ``--roots``: logs, witnesses, quorum."""
    for option in (
        click.option("--roots", type=options.FILE, help="The pinned root keys of the policy."),
        click.option("--policy", type=options.FILE, help="A signed policy, for the log policy in it."),
        click.option("--log-policy", type=options.FILE, help="Text of the trusted log: logs, witnesses, quorum."),
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of a log, None if none were given, and the signed policy in which they stand, if it is one."""

    log: "LogPolicy | None" = None
    policy: "PolicyEntry | None" = None


def read_rules(log_policy: Path | None, policy: Path | None, roots: Path | None, now: int) -> Rules:
    """Read the rules of the log from either file. ``Misuse("E-USAGE")`` for both, or half of one."""
    from datalib.trust import logpolicy
    from datalib.trust.entries import PolicyEntry
    from datalib.trust.policy import Policy, Roots

    if log_policy is not None:
        if policy is not None or roots is not None:
            raise Misuse("E-USAGE", "--log-policy", "either --log-policy, or --policy and --roots")
        return Rules(log=logpolicy.parse(options.read_text(log_policy, "E-LOG-POLICY"), str(log_policy)))
    if policy is None and roots is None:
        return Rules()
    if policy is None or roots is None:
        raise Misuse("E-USAGE", "--roots", "--policy and --roots go together")
    pinned = Roots.parse(options.read_file(roots), str(roots))
    found = Policy.load(options.read_file(policy), roots=pinned, now=now)
    return Rules(log=found.log, policy=PolicyEntry(policy=found.sha256, version=found.version))


def note_signer(name: str, kind: "KeyType", key: Path, passwords: Path | None) -> "NoteSigner":
    """Open the private key of a log or a witness."""
    from datalib.trust.notes import NoteSigner

    (private,) = options.load_keys((key,), passwords, texts()("Password of {key}"))
    return NoteSigner.named(name, kind, private)


def run(server: "Server") -> None:
    """Say where the server listens, and serve until the process is told to end."""

    def announce() -> None:
        sys.stderr.write(texts()("listening: {url}", url=server.url) + "\n")
        sys.stderr.flush()

    with server:
        server.run(announce)
