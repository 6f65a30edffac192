"""``datalib key``: make, show and import keys."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from datalib.errors import Misuse
from datalib_cli.base import Output, group, texts
from datalib_cli.commands.keyact import act
from datalib_cli.layout import Line
from datalib_cli.options import FILE, load_keys, outside, password, password_file, read_file

if TYPE_CHECKING:
    from datalib.trust.keys import PrivateKey

command = group("key", "Make, show and import keys.")
command.add_command(act)


def _targets(out: Path) -> tuple[Path, Path]:
    public = outside(out).with_suffix(".pub.pem")
    for path in (out, public):
        if path.exists():
            raise Misuse("E-USAGE", str(path), "exists; a key is never overwritten")
    return out, public


def _write(key: "PrivateKey", out: Path, public: Path, secret: str | None) -> Output:
    from datalib.library.store import write_file

    say = texts()
    write_file(public, key.public.to_pem())
    write_file(out, key.to_pem(secret), mode=0o600)
    return Output(
        data={"key": str(out), "public": str(public), "alg": str(key.public.alg), "keyid": key.public.keyid},
        lines=[
            say("private key: {path} (keep it to yourself)", path=out),
            say("public key:  {path} (give it to those who check)", path=public),
            f"keyid: {key.public.keyid}",
        ],
    )


def _new_password(out: Path, no_password: bool, password_file: Path | None) -> str | None:
    secret = None if no_password else password(password_file, prompt=texts()("Password for the new key"))
    if secret is None and not no_password:
        raise Misuse("E-KEY-PASSWORD", str(out), "--password-file, DATALIB_KEY_PASSWORD or --no-password")
    return secret


out_option = click.option(
    "-o", "--out", type=FILE, required=True, help="Where the private key is written (readable by you only)."
)
no_password_option = click.option("--no-password", is_flag=True, help="Write the private key unencrypted.")


@command.command("new")
@out_option
@click.option("--alg", type=click.Choice(["ed25519", "p256"]), default="ed25519", help="Algorithm. Default: ed25519.")
@no_password_option
@password_file
def new(out: Path, alg: str, no_password: bool, password_file: Path | None) -> Output:
    """Make a key pair: KEY.pem, and KEY.pub.pem beside it for others."""
    from datalib.trust.keys import Algorithm, PrivateKey

    out, public = _targets(out)
    secret = _new_password(out, no_password, password_file)
    key = PrivateKey.new(Algorithm.P256 if alg == "p256" else Algorithm.ED25519)
    return _write(key, out, public, secret)


@command.command("import")
@click.argument("container", type=FILE)
@out_option
@no_password_option
@password_file
def import_(container: Path, out: Path, no_password: bool, password_file: Path | None) -> Output:
    """Take a P-256 or Ed25519 key out of a PKCS #12 file; the same password protects the new file."""
    from datalib.trust.pkcs12 import load

    out, public = _targets(out)
    secret = password(password_file, prompt=texts()("Password of {key}", key=container)) or ""
    key = load(read_file(container), secret, str(container))
    return _write(key, out, public, None if no_password else secret)


@command.command("show")
@click.argument("key", type=FILE)
@click.option("--public", is_flag=True, help="Print the public key as PEM.")
@password_file
def show(key: Path, public: bool, password_file: Path | None) -> Output:
    """Show a private or public key: its algorithm and id; with --public its public half."""
    from datalib.trust.keys import PublicKey

    data = read_file(key)
    if b"PRIVATE KEY" in data:
        found = load_keys((key,), password_file, texts()("Password of {key}"))[0].public
    else:
        found = PublicKey.from_pem(data, str(key))
    pem = found.to_pem().decode()
    lines = (
        [Line(text=line, exact=True) for line in pem.splitlines()]
        if public
        else [f"alg: {found.alg}", f"keyid: {found.keyid}"]
    )
    return Output(data={"alg": str(found.alg), "keyid": found.keyid, "public": pem}, lines=lines)
