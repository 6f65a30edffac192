"""Options that several commands share: whom to believe, passwords, the clock, who acts."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datalib.errors import Misuse, Unchecked

if TYPE_CHECKING:
    from datalib.trust.keys import PrivateKey

FILE = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path)

Decorated = Callable[..., Any]

now = click.option(
    "--now", metavar="TIME", help="The time to write or judge, as 2026-10-31T14:13:20Z. Default: the clock."
)
actor = click.option("--as", "actor", metavar="ID", help="The party that acts. Default: the producer, later the owner.")
actor_name = click.option(
    "--name", "actor_name", multiple=True, metavar="LANG=TEXT", help="Name of the party that acts."
)
password_file = click.option("--password-file", type=FILE, help="A file whose first line is the password of the key.")
signing_key = click.option(
    "--key", "keys", multiple=True, required=True, metavar="KEY", help="Private key, a PEM file."
)


def trust(function: Decorated) -> Decorated:
    """Add ``--policy``, ``--roots``, ``--state`` and ``--key ID=PUB.pem``."""
    for option in (
        click.option("--state", type=FILE, help="What this verifier has accepted before; created when missing."),
        click.option(
            "--key", "keys", multiple=True, metavar="ID=PUB.pem", help="Vouch for a key yourself, for a first try."
        ),
        click.option("--roots", type=FILE, help="The pinned root keys of the policy."),
        click.option("--policy", type=FILE, help="The policy: parties, their keys and roles, the log."),
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustOptions:
    """Whom to believe, as given on the command line."""

    policy: Path | None
    roots: Path | None
    state: Path | None
    vouched: tuple[tuple[str, Path], ...] = ()

    @property
    def given(self) -> bool:
        """Tell whether anything was given to believe in."""
        return self.policy is not None or bool(self.vouched)


def split_keys(values: tuple[str, ...]) -> tuple[tuple[tuple[str, Path], ...], tuple[Path, ...]]:
    """Part ``ID=PUB.pem`` (keys vouched for) from plain paths (keys to sign with)."""
    vouched, own = list[tuple[str, Path]](), list[Path]()
    for value in values:
        party, equals, path = value.partition("=")
        if equals and ":" in party and not party.startswith(("/", ".")):
            vouched.append((party, Path(path)))
        else:
            own.append(Path(value))
    return tuple(vouched), tuple(own)


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
    if prompt is not None and click.get_text_stream("stdin").isatty():
        asked: str = click.prompt(prompt, hide_input=True, err=True)
        return asked
    return None


def read_file(path: Path) -> bytes:
    """Read a file the user named; ``Unchecked("E-IO")`` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or "") from error


def load_keys(paths: tuple[Path, ...], passwords: Path | None, prompt: str) -> "tuple[PrivateKey, ...]":
    """Open private keys; a password is looked for only when a key is encrypted."""
    from datalib.trust.keys import PrivateKey

    found = list[PrivateKey]()
    for path in paths:
        data = read_file(path)
        secret = password(passwords, prompt=prompt.format(key=path)) if b"ENCRYPTED" in data else None
        found.append(PrivateKey.from_pem(data, secret, str(path)))
    return tuple(found)
