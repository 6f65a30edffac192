"""``datalib key act``: say that a key is yours, sign that nationally, check it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from datalib.errors import Unchecked
from datalib.formats import format_time
from datalib_cli import options
from datalib_cli.base import Output, clock, group, texts, time_of
from datalib_cli.render import ENROLMENT, ENROLMENT_DOUBTS, ENROLMENT_NOTES

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from datalib.enrolment import Enrolment
    from datalib.trust.certificates import Facts
    from datalib.trust.keyact import KeyAct

act = group("act", "Say that a key is yours: the paper that enrols it.")

DAY = 86_400
ELSEWHERE = ("signature", "chain", "revocation", "party", "authority")

act_argument = click.argument("key_act", type=options.FILE)


@act.command("new")
@click.option("--party", required=True, metavar="ID", help="Who you are.")
@click.option("--key", "key", type=options.FILE, required=True, help="The new private key, a PEM file.")
@click.option("--from", "start", metavar="TIME", help="When the key's window begins. Default: now.")
@click.option("--until", metavar="TIME", help="When it ends. Default: two years later.")
@click.option(
    "--statement", "statements", multiple=True, metavar="LANG=TEXT", help="What you state. Default: the usual text."
)
@click.option("-o", "--out", type=options.FILE, required=True, help="The key act.")
@options.password_file
@options.now
def new(
    party: str,
    key: Path,
    start: str | None,
    until: str | None,
    statements: tuple[str, ...],
    out: Path,
    password_file: Path | None,
    now: str | None,
) -> Output:
    """Write a key act, signed with the new key: the proof that you possess it."""
    from datalib.library.store import write_file
    from datalib.trust import keyact

    say = texts()
    begin = time_of(start, "--from") if start else clock(now)
    end = time_of(until, "--until") if until else begin + 730 * DAY
    (opened,) = options.load_keys((key,), password_file, say("Password of {key}"))
    said = options.names(statements, "--statement")
    made = keyact.make(party, opened, start=begin, until=end, statement=said)
    write_file(options.outside(out), made)
    return Output(
        data={"act": str(out), **keyact.KeyAct.parse(made).to_dict()},
        lines=[say("key act: {path}", path=out)],
        step=say("next: sign this file with your national signature, detached, as {path}.p7s", path=out),
    )


@act.command("show")
@act_argument
def show(key_act: Path) -> Output:
    """Show a key act; the new key's signature on it is checked."""
    from datalib.trust.keyact import KeyAct

    found = KeyAct.parse(options.read_file(key_act), str(key_act))
    return Output(data={**found.to_dict(), "keyid": found.public.keyid}, lines=_act_lines(found))


@act.command("sign-national")
@act_argument
@click.option("--p12", "container", type=options.FILE, required=True, help="Your national key, a PKCS #12 file.")
@click.option("-o", "--out", type=options.FILE, help="The signature. Default: the key act's name with .p7s.")
@options.password_file
@options.now
def sign_national(
    key_act: Path, container: Path, out: Path | None, password_file: Path | None, now: str | None
) -> Output:
    """Sign a key act with a national RSA or P-256 key: a detached CMS beside it.

    GOST keys do not open here: sign the file with the national program instead, detached.
    """
    from datalib.library.store import write_file
    from datalib.trust import certificates, cms, pkcs12
    from datalib.trust.keyact import KeyAct

    say, data, moment = texts(), options.read_file(key_act), clock(now)
    found = KeyAct.parse(data, str(key_act))
    secret = options.password(password_file, prompt=say("Password of {key}", key=container)) or ""
    signer = pkcs12.load_signer(options.read_file(container), secret, str(container))
    facts = certificates.facts(signer.chain[0], str(container))
    certificates.check_party(facts, found.party, str(container))
    certificates.check_authority(facts, found.party, str(container))
    made = cms.sign(data, signer.key, signer.chain, time=moment)
    cms.check(made, data)
    target = out or key_act.with_name(f"{key_act.name}.p7s")
    write_file(options.outside(target), made)
    return Output(
        data={"signature": str(target), "certificate": facts.to_dict()},
        lines=[*_certificate_lines(facts), say("signature: {path}", path=target)],
    )


@act.command("check")
@act_argument
@click.option("--cms", "signature", type=options.FILE, help="The national signature over the key act, .p7s.")
@click.option("--trust-root", "roots", type=options.FILE, multiple=True, help="A root certificate that you believe.")
@click.option(
    "--ca", "others", type=options.FILE, multiple=True, help="A certificate between the person's and the root."
)
@click.option("--ocsp", "answer", type=options.FILE, help="The authority's stored answer about the certificate.")
@click.option(
    "--checked-elsewhere",
    "elsewhere",
    type=click.Choice(ELSEWHERE),
    multiple=True,
    help="What you have checked by other means; written down as your word.",
)
@click.option("--policy", type=options.FILE, help="Compare the files with the digests that this policy lists.")
@options.now
def check(
    key_act: Path,
    signature: Path | None,
    roots: tuple[Path, ...],
    others: tuple[Path, ...],
    answer: Path | None,
    elsewhere: tuple[str, ...],
    policy: Path | None,
    now: str | None,
) -> Output:
    """Check a key act and its papers before the key goes into the policy.

    Exit 0 only if everything was checked, here or elsewhere; 1 if something is wrong; 3 if something was not checked.
    """
    from datalib import enrolment
    from datalib.trust import policyfile

    files = [(path.name, options.read_file(path)) for path in (key_act, signature, answer) if path is not None]
    papers = enrolment.Papers(
        act=files[0][1],
        cms=options.read_file(signature) if signature else None,
        ocsp=options.read_file(answer) if answer else None,
        roots=_certificates(roots),
        others=_certificates(others),
    )
    found = enrolment.check(papers, now=clock(now), elsewhere=elsewhere, where=str(key_act))
    missing: tuple[str, ...] = ()
    if policy is not None:
        draft = policyfile.read(options.read_file(policy), str(policy)).draft
        missing = enrolment.check_evidence(draft, found.act, files)
    code = None if found.complete else "E-ENROL-UNCHECKED"
    return Output(
        data={
            **found.to_dict(),
            "accepted": found.complete,
            "code": code,
            "evidence": enrolment.evidence(files),
            "evidence_missing": None if policy is None else list(missing),
        },
        lines=[*_found_lines(found), *_evidence_lines(policy, missing)],
        status=0 if found.complete else Unchecked.exit_status,
    )


def read_act(path: Path, evidence: tuple[Path, ...]) -> "tuple[KeyAct, list[tuple[str, bytes]]]":
    """Read a key act, and the files that it is kept with, each with its name; ``E-ENROL-POP`` for a bad one."""
    from datalib.trust.keyact import KeyAct

    files = [(each.name, options.read_file(each)) for each in (path, *evidence)]
    return KeyAct.parse(files[0][1], str(path)), files


def _certificates(paths: tuple[Path, ...]) -> "list[Certificate]":
    from datalib.trust import certificates

    return [certificates.load(options.read_file(path), str(path)) for path in paths]


def _act_lines(found: "KeyAct") -> list[str]:
    say = texts()
    return [
        say("party: {id}", id=found.party),
        say(
            "key: {alg} {keyid}, {start} to {until}",
            alg=found.public.alg,
            keyid=found.public.keyid,
            start=format_time(found.start),
            until=format_time(found.until),
        ),
        *(f"{lang}: {text}" for lang, text in sorted(found.statement.items())),
    ]


def _certificate_lines(facts: "Facts") -> list[str]:
    say = texts()
    numbers = [
        *(say("IIN {number}", number=each) for each in facts.iins),
        *(say("BIN {number}", number=each) for each in facts.bins),
    ]
    return [
        say("certificate of: {name}", name=", ".join([facts.name, *filter(None, [facts.organisation]), *numbers])),
        say("roles in it: {roles}", roles=", ".join(facts.roles) or "—"),
        say(
            "valid {start} to {until}, number {serial}, issued by {issuer}",
            start=format_time(facts.start),
            until=format_time(facts.until),
            serial=facts.serial,
            issuer=facts.issuer,
        ),
    ]


def _found_lines(found: "Enrolment") -> list[str]:
    say = texts()
    lines = _act_lines(found.act)
    if found.facts is not None:
        lines += _certificate_lines(found.facts)
        time = "—" if found.time is None else format_time(found.time)
        lines.append(say("national signature: {algorithm}, {time}", algorithm=found.algorithm, time=time))
    lines += [say("checked: {what}", what=say(ENROLMENT[name])) for name in found.checked]
    lines += [say("checked elsewhere, by your word: {what}", what=say(ENROLMENT[name])) for name in found.elsewhere]
    lines += [
        say(
            "NOT CHECKED: {what} ({reason})",
            what=say(ENROLMENT[name]),
            reason=say(ENROLMENT_DOUBTS[found.reasons[name]]),
        )
        for name in found.not_checked
    ]
    return [*lines, *(say("note: {what}", what=say(ENROLMENT_NOTES[name])) for name in found.notes)]


def _evidence_lines(policy: Path | None, missing: tuple[str, ...]) -> list[str]:
    say = texts()
    if policy is None:
        return []
    return [
        say("the files given are those that the policy lists; who signed the policy was not checked"),
        *(say("listed, but not given: {name}", name=name) for name in missing),
    ]
