"""``datalib policy``: whom we believe."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.base import Output, clock, group, texts, time_of
from datalib_cli.commands.keyact import read_act
from datalib_cli.layout import Block, Line, Row, Table

if TYPE_CHECKING:
    from datalib.trust.drafting import Draft
    from datalib.trust.policyfile import PolicyFile

command = group("policy", "Say whom we believe: parties, keys, roles, the log.")

DAY = 86_400
ROLES = ("producer", "holder", "attester", "authority", "registry")
REASONS = ("compromised", "superseded", "ceased")

policy_argument = click.argument("policy", type=options.FILE)
days = click.option(
    "--days", type=click.IntRange(1, 3650), default=90, help="How long the version stands. Default: 90."
)
root_option = click.option("--root", "roots", type=options.FILE, multiple=True, help="A root's public key, a PEM file.")
threshold_option = click.option("--threshold", type=click.IntRange(1), help="How many roots must sign. Default: all.")


def _root_set(files: tuple[Path, ...], threshold: int | None) -> Any:
    from datalib.trust.keys import PublicKey
    from datalib.trust.policy import Roots

    if not files:
        raise Misuse("E-USAGE", "--root", "at least one root key")
    keys = tuple(PublicKey.from_pem(options.read_file(path), str(path)).to_dict() for path in files)
    return Roots(threshold=threshold or len(keys), keys=keys)


def _write(path: Path, draft: "Draft", *how: str) -> Output:
    from datalib.library.store import write_file
    from datalib.trust import policyfile

    say = texts()
    write_file(path, policyfile.render(draft))
    return Output(
        data={"policy": str(path), "version": draft["version"], "signed": False},
        lines=[
            say("draft: {path}, version {version}, not signed", path=path, version=draft["version"]),
            *how,
        ],
        step=say("next: each root runs `datalib policy sign {path} --key ROOT.pem`", path=path),
    )


def _changed(path: Path, now: str | None, days: int, change: "Callable[[Draft], Draft]") -> Output:
    """Change a policy: the draft, or the next version of what is signed."""
    from datalib.trust import policyfile

    moment = clock(now)
    found = policyfile.read(options.read_file(path), str(path))
    return _write(path, change(policyfile.change(found, issued=moment, expires=moment + days * DAY)))


@command.command("new")
@click.option("-o", "--out", type=options.FILE, required=True, help="The policy.")
@click.option("--roots-out", type=options.FILE, required=True, help="The root keys that verifiers pin.")
@root_option
@threshold_option
@click.option("--log-policy", type=options.FILE, help="Text of the trusted log: logs, witnesses, quorum.")
@click.option("--require-log", is_flag=True, help="Every event needs a proof from the log.")
@click.option("--max-age", type=click.IntRange(1), metavar="SECONDS", help="Oldest head proof that is accepted.")
@days
@options.now
def new(
    out: Path,
    roots_out: Path,
    roots: tuple[Path, ...],
    threshold: int | None,
    log_policy: Path | None,
    require_log: bool,
    max_age: int | None,
    days: int,
    now: str | None,
) -> Output:
    """Start a policy: writes its draft, and the file of root keys that verifiers pin."""
    from datalib.library.store import write_file
    from datalib.trust import drafting

    for path in (out, roots_out):
        if options.outside(path).exists():
            raise Misuse("E-USAGE", str(path), "exists")
    moment = clock(now)
    pinned = _root_set(roots, threshold)
    draft = drafting.new(
        roots=pinned,
        issued=moment,
        expires=moment + days * DAY,
        log_policy=options.read_text(log_policy, "E-LOG-POLICY") if log_policy else drafting.NO_LOG,
        log_required=require_log,
        max_age=max_age,
    )
    done = _write(
        out,
        draft,
        texts()("verify with: datalib verify LIBRARY --policy {path} --roots {roots}", path=out, roots=roots_out),
    )
    write_file(roots_out, json.dumps(pinned.to_dict(), indent=2, sort_keys=True).encode() + b"\n")
    return done


@command.command("add-party")
@policy_argument
@click.option("--party", required=True, metavar="ID", help="Who.")
@click.option("--name", "names", multiple=True, metavar="LANG=TEXT", help="Their name, once per language.")
@click.option(
    "--role", "roles", type=click.Choice(ROLES), multiple=True, required=True, help="What they may do; repeatable."
)
@days
@options.now
def add_party(
    policy: Path, party: str, names: tuple[str, ...], roles: tuple[str, ...], days: int, now: str | None
) -> Output:
    """Add a party, or give more roles to one who is there."""
    from datalib.trust import drafting
    from datalib.trust.policy import Role

    named = options.names(names, "--name")
    return _changed(
        policy, now, days, lambda draft: drafting.add_party(draft, party, named, [Role(role) for role in roles])
    )


@command.command("add-key")
@policy_argument
@click.option("--party", metavar="ID", help="Whose key it is.")
@click.option("--key", "key", type=options.FILE, help="The public key, a PEM file.")
@click.option("--from", "start", metavar="TIME", help="When the key's window begins. Default: now.")
@click.option("--until", metavar="TIME", help="When it ends. Default: two years later.")
@click.option("--act", "key_act", type=options.FILE, help="The key act: says party, key and window.")
@click.option(
    "--evidence", type=options.FILE, multiple=True, help="A paper of the enrolment; the policy lists its digest."
)
@days
@options.now
def add_key(
    policy: Path,
    party: str | None,
    key: Path | None,
    start: str | None,
    until: str | None,
    key_act: Path | None,
    evidence: tuple[Path, ...],
    days: int,
    now: str | None,
) -> Output:
    """Enrol a key of a party, with its window.

    From a key act the proof of possession is checked and its digest listed; the rest is `datalib key act check`.
    """
    from datalib.enrolment import evidence as digests
    from datalib.trust import drafting
    from datalib.trust.keys import PublicKey

    if key_act is not None:
        for name, value in (("--key", key), ("--from", start), ("--until", until)):
            if value is not None:
                raise Misuse("E-USAGE", name, "the key act says it")
        act, files = read_act(key_act, evidence)
        if party is not None and party != act.party:
            raise Misuse("E-USAGE", "--party", f"the key act is of {act.party}")
        whose, public, begin, end = act.party, act.public, act.start, act.until
    elif party is None or key is None:
        raise Misuse("E-USAGE", "--key", "either --act FILE, or --party ID and --key PUB.pem")
    else:
        whose, public = party, PublicKey.from_pem(options.read_file(key), str(key))
        begin = time_of(start, "--from") if start else clock(now)
        end = time_of(until, "--until") if until else begin + 730 * DAY
        files = [(path.name, options.read_file(path)) for path in evidence]
    listed = digests(files)
    return _changed(
        policy,
        now,
        days,
        lambda draft: drafting.add_key(draft, whose, public, start=begin, until=end, evidence=listed),
    )


@command.command("revoke-key")
@policy_argument
@click.option("--key", "key", type=options.FILE, required=True, help="The public key, a PEM file.")
@click.option("--reason", type=click.Choice(REASONS), required=True, help="Why.")
@click.option("--at", metavar="TIME", help="From when on it is not believed. Default: now.")
@days
@options.now
def revoke_key(policy: Path, key: Path, reason: str, at: str | None, days: int, now: str | None) -> Output:
    """Close a key. What it signed before stays valid where the log shows the time."""
    from datalib.trust import drafting
    from datalib.trust.keys import PublicKey

    moment = time_of(at, "--at") if at else clock(now)
    keyid = PublicKey.from_pem(options.read_file(key), str(key)).keyid
    return _changed(policy, now, days, lambda draft: drafting.revoke_key(draft, keyid, at=moment, reason=reason))


@command.command("block")
@policy_argument
@click.argument("library", metavar="LIBRARY-ID")
@days
@options.now
def block(policy: Path, library: str, days: int, now: str | None) -> Output:
    """Put a library on the list of those that no gate opens."""
    from datalib.trust import drafting

    return _changed(policy, now, days, lambda draft: drafting.block(draft, library))


@command.command("set-log")
@policy_argument
@click.option(
    "--log-policy", type=options.FILE, required=True, help="Text of the trusted log: logs, witnesses, quorum."
)
@click.option("--require-log/--no-require-log", default=True, help="Whether every event needs a proof. Default: yes.")
@click.option("--max-age", type=click.IntRange(1), metavar="SECONDS", help="Oldest head proof that is accepted.")
@days
@options.now
def set_log(
    policy: Path, log_policy: Path, require_log: bool, max_age: int | None, days: int, now: str | None
) -> Output:
    """Name the log whose proofs are believed."""
    from datalib.trust import drafting

    text = options.read_text(log_policy, "E-LOG-POLICY")
    return _changed(
        policy, now, days, lambda draft: drafting.set_log(draft, text, required=require_log, max_age=max_age)
    )


@command.command("add-tsa")
@policy_argument
@click.option("--certificate", type=options.FILE, required=True, help="Its root certificate, PEM or DER.")
@click.option("--oid", metavar="OID", help="The rules its time stamps must be issued under.")
@click.option("--from", "start", metavar="TIME", help="Since when it is believed. Default: now.")
@click.option("--until", metavar="TIME", help="Until when. Default: two years later.")
@days
@options.now
def add_tsa(
    policy: Path,
    certificate: Path,
    oid: str | None,
    start: str | None,
    until: str | None,
    days: int,
    now: str | None,
) -> Output:
    """List a time-stamp authority (RFC 3161) whose tokens are believed."""
    from datalib.trust import drafting
    from datalib.trust.timestamps import read_root

    root = read_root(options.read_file(certificate), str(certificate))
    begin = time_of(start, "--from") if start else clock(now)
    end = time_of(until, "--until") if until else begin + 730 * DAY
    return _changed(
        policy, now, days, lambda draft: drafting.add_authority(draft, root, start=begin, until=end, policy=oid)
    )


@command.command("set-roots")
@policy_argument
@root_option
@threshold_option
@days
@options.now
def set_roots(policy: Path, roots: tuple[Path, ...], threshold: int | None, days: int, now: str | None) -> Output:
    """Rotate the roots: enough old ones and enough new ones must sign the next version."""
    from datalib.trust import drafting

    pinned = _root_set(roots, threshold)
    return _changed(policy, now, days, lambda draft: drafting.set_roots(draft, pinned))


@command.command("renew")
@policy_argument
@days
@options.now
def renew(policy: Path, days: int, now: str | None) -> Output:
    """Make the next version of a signed policy, so that it does not expire."""
    return _changed(policy, now, days, lambda draft: draft)


@command.command("sign")
@policy_argument
@click.option("--key", "keys", type=options.FILE, multiple=True, help="A root's private key, a PEM file.")
@click.option(
    "--with", "copies", type=options.FILE, multiple=True, help="A copy signed elsewhere; its signatures are taken."
)
@options.password_file
def sign(policy: Path, keys: tuple[Path, ...], copies: tuple[Path, ...], password_file: Path | None) -> Output:
    """Sign as a root; one after the other, in any order, on any machine."""
    from datalib.library.store import write_file
    from datalib.trust import policyfile
    from datalib.trust.keys import PublicKey

    say = texts()
    if not keys and not copies:
        raise Misuse("E-USAGE", "--key")
    opened = options.load_keys(keys, password_file, say("Password of {key}"))
    found = policyfile.read(options.read_file(policy), str(policy))
    others = [policyfile.read(options.read_file(path), str(path)) for path in copies]
    sealed = policyfile.sign(found, opened, others)
    write_file(policy, sealed.line)
    own, needed = found.draft["roots"]["keys"], found.draft["roots"]["threshold"]
    ids = {PublicKey.from_dict(key).keyid for key in own}
    count = sum(item.keyid in ids for item in sealed.signatures)
    others_count = len(sealed.signatures) - count
    return Output(
        data={"policy": str(policy), "signatures": [item.keyid for item in sealed.signatures], "threshold": needed},
        lines=[
            say("signed by {count} keys; its own roots ask for {needed}", count=count, needed=needed),
            *([say("and by {count} that are not among its roots", count=others_count)] if others_count else []),
        ],
        step=say("next: `datalib verify LIBRARY --policy {path} --roots ROOTS`", path=policy)
        if count >= needed
        else say("next: another root runs `datalib policy sign {path} --key ROOT.pem`", path=policy),
    )


@command.command("show")
@policy_argument
@click.option("--roots", type=options.FILE, help="Pinned roots: check the signatures and the dates with them.")
@options.now
def show(policy: Path, roots: Path | None, now: str | None) -> Output:
    """Show a policy: parties, roles, keys, the log, who has signed. With --roots it is checked first."""
    from datalib.trust import policyfile
    from datalib.trust.policy import Policy, Roots

    data = options.read_file(policy)
    found = policyfile.read(data, str(policy))
    if roots is not None:
        Policy.load(data, roots=Roots.parse(options.read_file(roots), str(roots)), now=clock(now), where=str(policy))
    return Output(
        data={"policy": dict(found.draft), "signatures": list(found.signers), "checked": roots is not None},
        lines=_shown(found, checked=roots is not None),
    )


def _shown(file: "PolicyFile", *, checked: bool) -> list[Block]:
    say, draft = texts(), file.draft
    lines: list[Block] = [
        say(
            "version {version}, {issued} to {expires}",
            version=draft["version"],
            issued=draft["issued"],
            expires=draft["expires"],
        ),
        say(
            "roots: {threshold} of {count} must sign",
            threshold=draft["roots"]["threshold"],
            count=len(draft["roots"]["keys"]),
        ),
        say("signatures: {count}", count=len(file.signers)),
    ]
    for party in draft["parties"]:
        lines.append(f"{party['id']} ({next(iter(party['name'].values()))}): {', '.join(party['roles'])}")
        keys = list[Row]()
        for key in party["keys"]:
            end = say(", revoked {at} ({reason})", **key["revoked"]) if "revoked" in key else ""
            window = f"{key['from']} … {key['until']}{end}"
            keys.append(Row(cells=(key["alg"], f"{key['public'][:24]}…", window), tone="bad" if end else ""))
        lines += [Table(rows=keys)] if keys else []
    log = draft["log"]
    lines += [
        say("log required: {answer}", answer=say("yes") if log["require"] else say("no")),
        *(Line(text=f"  {line}", exact=True) for line in log["policy"].splitlines() if line.strip()),
        *(
            say("time stamps: {start} to {until}", start=each["from"], until=each["until"])
            for each in draft.get("tsa", ())
        ),
        *(say("blocked: {id}", id=library) for library in draft["blocked"]),
    ]
    if not checked:
        lines.append(say("not checked: who signed, and whether it is in force; give --roots"))
    return lines
