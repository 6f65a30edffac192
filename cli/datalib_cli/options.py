"""Options that several commands share: whom to believe, passwords, the clock, who acts."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from getpass import getpass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from datalib.errors import Misuse, Refused, Unchecked
from datalib_cli import codes, paths

if TYPE_CHECKING:
    from datalib.admission import Demand
    from datalib.engine import Engine
    from datalib.trust.belief import Trust
    from datalib.trust.keys import PrivateKey
    from datalib.trust.parties import Party
    from datalib.trust.policy import Policy, Roots
    from datalib.trust.state import Memory
    from datalib.verify import Report

FILE, FOLDER, PLACE = paths.FILE, paths.FOLDER, paths.PLACE

Decorated = Callable[..., Any]
Decorator = Callable[[Decorated], Decorated]

now = click.option(
    "--now", metavar="TIME", help="The time to write or judge, as 2026-10-31T14:13:20Z. Default: the clock."
)
actor = click.option("--as", "actor", metavar="ID", help="The party that acts. Default: the producer, later the owner.")
actor_name = click.option(
    "--name", "actor_name", multiple=True, metavar="LANG=TEXT", help="Name of the party that acts."
)
password_file = click.option("--password-file", type=FILE, help="A file whose first line is the password of the key.")
progress = click.option(
    "--progress",
    type=click.Choice(["auto", "json", "none"]),
    default="auto",
    help="auto: bars, on a terminal only; json: events on stderr, a line each. Default: auto.",
)


def together(argument: str, make: Callable[..., object], *given: Decorator) -> Decorator:
    """Add options whose values the function gets as one, ``argument``: what ``make`` makes of them."""

    def decorate(function: Decorated) -> Decorated:
        @wraps(function)
        def called(**values: Any) -> Any:
            made = make(**{name: values.pop(name) for name in signature(make).parameters if name in values})
            return function(**{argument: made}, **values)

        found: Decorated = called
        for option in reversed(given):
            found = option(found)
        return found

    return decorate


def _engine(engine: str, workers: int | None) -> "Engine":
    from datalib.engine import Engine, Kind

    return Engine(workers=workers, kind=Kind(engine), address=os.environ.get("RAY_ADDRESS") or None)


def _hashing_engine(engine: str, workers: int | None) -> "Engine | None":
    return None if engine == "local" and workers is None else _engine(engine, workers)


_where = click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Where the work is done: here, or on Ray (a cluster, where RAY_ADDRESS names one). Default: local.",
)
#: Where shards are judged, and how many at a time: ``engine``, an `Engine`.
judging = together(
    "engine",
    _engine,
    _where,
    click.option(
        "--workers",
        type=click.IntRange(1),
        help="Shards at a time. Default: 1; on Ray as many as processors. The result is the same.",
    ),
)
#: Who hashes the files: ``engine``, an `Engine`, or None where neither option is given: threads of this process.
hashing = together(
    "engine",
    _hashing_engine,
    _where,
    click.option(
        "--workers",
        type=click.IntRange(1),
        help="Processes that hash files. Default: none, but threads, as many as processors; on Ray as many processes. "
        "The result is the same.",
    ),
)
signing_key = click.option(
    "--key",
    "keys",
    multiple=True,
    required=True,
    metavar="KEY",
    shell_complete=codes.files,
    help="Private key, a PEM file.",
)


data = click.option(
    "--data",
    default="full",
    metavar="MODE",
    shell_complete=codes.words("full", "sample:", "none"),
    help="full, sample:N or none. Default: full.",
)
purpose = click.option(
    "--purpose", metavar="CODE", shell_complete=codes.purposes, help="The purpose that is asked for."
)
purposes = click.option(
    "--purpose",
    "purposes",
    multiple=True,
    metavar="CODE",
    shell_complete=codes.purposes,
    help="What training it may serve, such as train:asr.",
)
reason = click.option(
    "--reason",
    metavar="CODE",
    shell_complete=codes.of_list("reason"),
    help="Why it changed: correction, addition, removal, optout, erasure, metadata.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustOptions:
    """Whom to believe, as given on the command line. ``own``: private keys to sign with, where a command takes some."""

    policy: Path | None
    roots: Path | None
    state: Path | None = None
    vouched: tuple[tuple[str, Path], ...] = ()
    own: tuple[Path, ...] = ()

    @classmethod
    def parse(cls, policy: Path | None, roots: Path | None, keys: tuple[str, ...], state: Path | None = None) -> Self:
        """Part ``ID=PUB.pem`` (keys vouched for) from plain paths (keys to sign with)."""
        vouched, own = list[tuple[str, Path]](), list[Path]()
        for value in keys:
            party, equals, path = value.partition("=")
            if equals and ":" in party and not party.startswith(("/", ".")):
                vouched.append((party, Path(path)))
            else:
                own.append(Path(value))
        return cls(policy=policy, roots=roots, state=state, vouched=tuple(vouched), own=tuple(own))

    @classmethod
    def verifying(
        cls, policy: Path | None, roots: Path | None, keys: tuple[str, ...], state: Path | None = None
    ) -> Self:
        """Do the same where no private key may stand: ``Misuse("E-USAGE")``."""
        found = cls.parse(policy, roots, keys, state)
        if found.own:
            raise Misuse("E-USAGE", "--key", f"{str(found.own[0])!r} is not ID=PUB.pem")
        return found

    @property
    def given(self) -> bool:
        """Tell whether anything was given to believe in."""
        return self.policy is not None or bool(self.vouched)

    @property
    def any(self) -> bool:
        """Tell whether anything was given at all, though it may not be enough to believe in."""
        return self.given or self.roots is not None or self.state is not None

    def memory(self) -> "Memory | None":
        """Read what was accepted before, as `datalib.verify.load_state` does; None without ``--state``."""
        from datalib.verify import load_state

        return load_state(self.state) if self.state else None

    def remember(self, report: "Report") -> None:
        """Keep what an accepted library teaches, where ``--state`` is given."""
        from datalib.verify import remember

        if report.accepted and self.state is not None:
            remember(self.state, report)

    def asked(self) -> "Trust | None":
        """Give whom to believe, where the command does without too: None if nothing was given. Raises as `believed`."""
        from datalib.trust.belief import Trust

        if not self.any:
            return None
        policy, roots = self.believed()
        return Trust(policy=policy, roots=roots, memory=self.memory())

    def believed(self) -> "tuple[bytes | Policy, Roots | None]":
        """Read what was given: a policy file and its pinned roots, or a policy of the keys vouched for.

        Raises ``Misuse``: ``E-NO-TRUST`` without either, ``E-USAGE`` for half of one or both, and the codes of
        keys that are none.
        """
        from datalib.trust.keys import PublicKey
        from datalib.trust.policy import Policy, Roots

        if not self.given:
            raise Misuse("E-NO-TRUST")
        if self.vouched:
            if self.policy or self.roots:
                raise Misuse("E-USAGE", "--key", "either --policy and --roots, or --key ID=PUB.pem")
            try:
                keys = [(party, PublicKey.from_pem(read_file(path), str(path))) for party, path in self.vouched]
                return Policy.vouch(keys), None
            except Refused as error:  # the option is wrong, not the library
                raise Misuse(error.code, error.where, error.detail) from error
        if self.policy is None or self.roots is None:
            raise Misuse("E-USAGE", "--roots", "--policy and --roots go together")
        return read_file(self.policy), Roots.parse(read_file(self.roots), str(self.roots))


def _demand(purpose: str | None, require: tuple[str, ...], data: str) -> "Demand":
    from datalib.admission import Demand

    if "none" in require and len(require) > 1:
        raise Misuse("E-USAGE", "--require", "`none` stands alone")
    return Demand(purpose=purpose, require=() if require == ("none",) else require or ("optout",), data=data)


_policy = click.option("--policy", type=FILE, help="The policy: parties, their keys and roles, the log.")
_roots = click.option("--roots", type=FILE, help="The pinned root keys of the policy.")
_vouched = click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="ID=PUB.pem",
    shell_complete=codes.files,
    help="Vouch for a key yourself, for a first try.",
)
_state = click.option("--state", type=FILE, help="What this verifier has accepted before; created when missing.")
#: Whom to believe and what was accepted before: ``trust``, `TrustOptions`.
trust = together("trust", TrustOptions.verifying, _policy, _roots, _vouched, _state)
#: The same, for commands that sign too: ``--key`` names private keys as well.
trust_and_keys = together("trust", TrustOptions.parse, _policy, _roots, _vouched, _state)
#: The same for what accepts nothing.
believing = together("trust", TrustOptions.verifying, _policy, _roots, _vouched)
#: What is asked of a library, and how much of it is read: ``demand`` (datalib trust specification §11).
demands = together(
    "demand",
    _demand,
    purpose,
    click.option(
        "--require",
        multiple=True,
        metavar="CLAIM",
        shell_complete=codes.claims,
        help="A claim that must have passed; repeatable. Default: optout. `none` asks for no attestation.",
    ),
    data,
)


def names(values: tuple[str, ...], option: str) -> dict[str, str]:
    """Parse ``LANG=TEXT`` pairs into a language map.

    Raises ``Misuse("E-USAGE")`` for another form.
    """
    found: dict[str, str] = {}
    for value in values:
        lang, equals, text = value.partition("=")
        if not equals or not text or len(lang) != 2 or not lang.isascii() or not lang.islower():  # noqa: PLR2004 - ISO 639-1
            raise Misuse("E-USAGE", option, f"{value!r} is not LANG=TEXT, such as ru=Институт")
        found[lang] = text
    return found


def password(path: Path | None, *, prompt: str | None) -> str | None:
    """Find a password: in the file, else in DATALIB_KEY_PASSWORD, else ask where there is a prompt and a terminal."""
    if path is not None:
        try:
            return path.read_text(encoding="utf-8").split("\n", 1)[0]
        except OSError as error:
            raise Unchecked("E-IO", str(path), error.strerror or "") from error
        except UnicodeDecodeError as error:
            raise Misuse("E-KEY-PASSWORD", str(path), "not UTF-8") from error
    given = os.environ.get("DATALIB_KEY_PASSWORD")
    if given is not None:
        return given
    if prompt is not None and sys.stdin is not None and sys.stdin.isatty():
        return getpass(f"{prompt}: ")
    return None


def read_file(path: Path) -> bytes:
    """Read a file the user named; ``Unchecked("E-IO")`` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or "") from error


def read_text(path: Path, code: str) -> str:
    """Read a text the user named; ``Refused`` with a code of its kind when it is not UTF-8."""
    try:
        return read_file(path).decode()
    except UnicodeDecodeError as error:
        raise Refused(code, str(path), "not UTF-8") from error


def load_keys(paths: tuple[Path, ...], passwords: Path | None, prompt: str) -> "tuple[PrivateKey, ...]":
    """Open private keys; a password is looked for only when a key is encrypted."""
    from datalib.trust.keys import PrivateKey

    found = list[PrivateKey]()
    for path in paths:
        data = read_file(path)
        secret = password(passwords, prompt=prompt.format(key=path)) if b"ENCRYPTED" in data else None
        found.append(PrivateKey.from_pem(data, secret, str(path)))
    return tuple(found)


def outside(path: Path) -> Path:
    """Give back a path that lies in no library; ``Misuse("E-OUT-IN-LIBRARY")`` for another."""
    from datalib.library.store import inside_library

    library = inside_library(path)
    if library is not None:
        raise Misuse("E-OUT-IN-LIBRARY", str(path), str(library))
    return path


def private(path: Path, option: str) -> Path:
    """Refuse a private file inside a library, which is given away whole."""
    from datalib.library.store import inside_library

    library = inside_library(path)
    if library is not None:
        raise Misuse("E-USAGE", option, f"{path} lies in the library {library}, but it is private: move it out")
    return path


def party(library: Path, given: str | None, values: tuple[str, ...], *, option: str = "--name") -> "Party | None":
    """Find a party by its id: named here, or named in the library's chain already. None where no id is given.

    Raises ``Misuse("E-USAGE")`` for an id that nobody has named yet, ``Refused("E-PARTY-ID")`` for an ill-formed one.
    """
    from datalib import unverified
    from datalib.library.store import Folder
    from datalib.trust.parties import Party, check_party_id

    if given is None:
        if values:
            raise Misuse("E-USAGE", option, "whose name is it? give the id too")
        return None
    check_party_id(given)
    if values:
        return Party(id=given, name=names(values, option))
    with Folder(library) as folder:
        known = unverified.parties(folder)
    if given not in known:
        raise Misuse("E-USAGE", option, f"{given} is not named in the library yet: {option} LANG=TEXT")
    return known[given]
