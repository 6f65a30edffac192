"""Key acts and their papers: what is believed, what is refused, and what is said not to be checked."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.ocsp import OCSPCertStatus

from datalib import enrolment
from datalib.canonical import canonical, parse
from datalib.chain import envelope
from datalib.enrolment import Enrolment, Papers
from datalib.errors import Misuse, Refused
from datalib.formats import sha256_hex
from datalib.trust import cms, keyact, pkcs12
from datalib.trust.keyact import KeyAct
from tests import pki
from tests.libraries import BUYER, DAY, MAKER, START, draft_policy, key

PARTY = f"kz-bin:{pki.BIN}"
ACT = keyact.make(PARTY, MAKER.key, start=START, until=START + 700 * DAY)
PERSON = pki.rsa_key("person")


def code(function: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises((Refused, Misuse)) as caught:
        function(*arguments, **options)
    return str(caught.value.code)


def payload(**changes: Any) -> dict[str, Any]:
    return KeyAct.parse(ACT).to_dict() | changes


def sealed(value: dict[str, Any], *keys: Any) -> bytes:
    return envelope.sign(keyact.TYPE, canonical(value), keys or [MAKER.key]).line


def test_a_key_act_says_whose_key_it_is() -> None:
    act = KeyAct.parse(ACT)
    assert (act.party, act.public, act.start) == (PARTY, MAKER.key.public, START)
    assert sorted(act.statement) == ["kk", "ru"]
    own = keyact.make(PARTY, BUYER.key, start=START, until=START + 1, statement={"en": "Mine.", "ru": "Мой."})
    assert KeyAct.parse(own).statement == {**keyact.STATEMENT, "en": "Mine.", "ru": "Мой."}


def test_only_the_key_itself_proves_possession() -> None:
    value = payload()
    assert code(KeyAct.parse, sealed(value, BUYER.key)) == "E-ENROL-POP"
    assert code(KeyAct.parse, sealed(value, MAKER.key, BUYER.key)) == "E-ENROL-POP"
    unsigned = envelope.build(keyact.TYPE, canonical(value), []).line
    assert code(KeyAct.parse, unsigned) == "E-ENROL-POP"
    signature = envelope.parse(ACT, payload_type=keyact.TYPE).signatures
    other = envelope.build(keyact.TYPE, canonical(payload(party=BUYER.id)), signature).line
    assert code(KeyAct.parse, other) == "E-ENROL-POP"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"party": "kz-bin:1"}, "E-PARTY-ID"),
        ({"from": "2026"}, "E-TIME-FORMAT"),
        ({"until": "2026-09-21T14:13:20Z"}, "E-SCHEMA"),
        ({"alg": "ecdsa-p256-sha256"}, "E-KEY-ALG"),
        ({"statement": {}}, "E-SCHEMA"),
        ({"more": 1}, "E-SCHEMA-UNKNOWN"),
    ],
)
def test_ill_formed_key_acts_are_refused(changes: dict[str, Any], expected: str) -> None:
    assert code(KeyAct.parse, sealed(payload(**changes))) == expected


def test_another_envelope_is_no_key_act() -> None:
    line = envelope.sign(envelope.EVENT_TYPE, canonical(payload()), [MAKER.key]).line
    assert code(KeyAct.parse, line) == "E-ENV-TYPE"


def papers(own: x509.Certificate | None = None, **changes: Any) -> Papers:
    own = own or pki.personal()
    signed = cms.sign(ACT, PERSON, [own], time=START)
    given = {"act": ACT, "cms": signed, "ocsp": pki.answer(own), "roots": [pki.root()], "others": [pki.middle()]}
    return Papers(**(given | changes))


def check(given: Papers, now: int = START + 2 * DAY, **options: Any) -> Enrolment:
    return enrolment.check(given, now=now, **options)


def test_everything_checked() -> None:
    found = check(papers())
    assert found.complete
    assert found.checked == enrolment.NEEDED
    assert (found.time, found.notes, found.reasons) == (START, ("time", "today"), {})
    assert found.to_dict()["certificate"]["bin"] == [pki.BIN]


@pytest.mark.parametrize(
    ("changes", "doubts"),
    [
        ({"cms": None}, dict.fromkeys(enrolment.NEEDED[1:], "no-signature")),
        ({"roots": []}, {"chain": "no-root"}),
        ({"others": []}, {"chain": "no-issuer", "revocation": "unverified-answer"}),
        ({"ocsp": None}, {"revocation": "no-answer"}),
        ({"ocsp": pki.answer(pki.personal(serial=5))}, {"revocation": "other-certificate"}),
        ({"ocsp": pki.answer(pki.personal(), status=OCSPCertStatus.UNKNOWN)}, {"revocation": "unknown-status"}),
        ({"ocsp": pki.answer(pki.personal(), time=START - DAY)}, {"revocation": "older-answer"}),
        ({"ocsp": pki.answer(pki.personal(), signer=pki.responder(can=False))}, {"revocation": "unverified-answer"}),
    ],
)
def test_what_is_missing_is_named_and_never_counts(changes: dict[str, Any], doubts: dict[str, str]) -> None:
    found = check(papers(**changes))
    assert not found.complete
    assert found.reasons == doubts
    assert found.not_checked == tuple(name for name in enrolment.NEEDED if name in doubts)
    assert set(found.checked) == set(enrolment.NEEDED) - set(doubts)
    word = check(papers(**changes), elsewhere=tuple(doubts))
    assert (word.complete, word.elsewhere, word.checked) == (True, found.not_checked, found.checked)


def test_a_gost_signature_is_said_not_to_be_checked() -> None:
    found = check(papers(cms=pki.gost(cms.sign(ACT, PERSON, [pki.personal()], time=START))))
    assert found.reasons == {"signature": "algorithm", "chain": "algorithm", "revocation": "unverified-answer"}
    assert found.algorithm == pki.GOST_SIGNATURE
    assert found.facts is not None
    assert found.facts.bins == (pki.BIN,)


def test_a_party_of_another_register_is_known_to_no_certificate() -> None:
    act = keyact.make("x-test:someone", MAKER.key, start=START, until=START + DAY)
    found = check(papers(act=act, cms=cms.sign(act, PERSON, [pki.personal()], time=START)))
    assert found.reasons == {"party": "register"}


def test_the_word_of_the_registrar_is_about_what_can_be_doubted() -> None:
    assert check(papers(), elsewhere=("chain",)).elsewhere == ()
    assert code(check, papers(), elsewhere=("possession",)) == "E-USAGE"


def test_papers_that_show_a_fault_are_refused() -> None:
    own = pki.personal()
    assert code(check, papers(act=sealed(payload(), BUYER.key))) == "E-ENROL-POP"
    assert code(check, papers(cms=cms.sign(ACT + b" ", PERSON, [own], time=START))) == "E-ENROL-CMS"
    assert code(check, papers(cms=cms.sign(ACT, PERSON, [own], time=START + 3 * DAY))) == "E-TIME-FUTURE"
    revoked = pki.answer(own, status=OCSPCertStatus.REVOKED)
    assert code(check, papers(ocsp=revoked)) == "E-ENROL-REVOKED"
    stranger = pki.answer(own, status=OCSPCertStatus.REVOKED, signer=pki.responder(can=False))
    assert code(check, papers(ocsp=stranger)) == "E-ENROL-REVOKED"
    assert code(check, papers(ocsp=b"")) == "E-ENROL-OCSP"
    thief = pki.authority(pki.AUTHORITY, pki.rsa_key("thief"), pki.ROOT, pki.rsa_key("thief"))
    assert code(check, papers(others=[thief])) == "E-ENROL-CHAIN"
    assert code(check, papers(pki.personal(subject=pki.CITIZEN))) == "E-ENROL-BIN"
    assert code(check, papers(pki.personal(roles=pki.EMPLOYEE))) == "E-ENROL-EKU"


def test_dates_are_judged_when_the_authority_answered() -> None:
    """An expired certificate is good for an act that the authority vouched for while it was valid, and for no other."""
    own = pki.personal(until=START + 2 * DAY)
    assert check(papers(own), now=START + 100 * DAY).complete
    assert code(check, papers(own, ocsp=None), now=START + 100 * DAY) == "E-ENROL-REVOKED"
    assert code(check, papers(pki.personal(start=START + 1))) == "E-ENROL-REVOKED"
    assert code(check, papers(pki.personal(until=START))) == "E-ENROL-REVOKED"


@pytest.mark.system
def test_a_signature_without_a_time_is_judged_now(tmp_path: Path) -> None:
    (tmp_path / "act").write_bytes(ACT)
    (tmp_path / "c").write_bytes(pki.personal().public_bytes(Encoding.PEM))
    (tmp_path / "k").write_bytes(PERSON.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    command = "openssl cms -sign -binary -noattr -in act -signer c -inkey k -outform DER -out s"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    found = check(papers(cms=(tmp_path / "s").read_bytes()))
    assert (found.time, found.reasons) == (None, {"revocation": "older-answer"})


def test_the_policy_keeps_the_digests() -> None:
    files = [("key-act.json", ACT), ("key-act.json.p7s", b"signature")]
    listed = enrolment.evidence(files)
    assert listed[0] == {"name": "key-act.json", "digest": {"sha256": sha256_hex(ACT)}}
    assert code(enrolment.evidence, [("a", b""), ("a", b"x")]) == "E-USAGE"
    draft = draft_policy()
    act = KeyAct.parse(ACT)
    draft["parties"][0]["keys"][0]["evidence"] = listed
    assert enrolment.check_evidence(draft, act, files) == ()
    assert enrolment.check_evidence(draft, act, files[:1]) == ("key-act.json.p7s",)
    assert code(enrolment.check_evidence, draft, act, [*files, ("x", b"other")]) == "E-ENROL-EVIDENCE"
    stranger = KeyAct.parse(keyact.make(PARTY, key("stranger"), start=START, until=START + 1))
    assert code(enrolment.check_evidence, draft, stranger, files) == "E-KEY-UNKNOWN"


def test_containers() -> None:
    own = pki.personal()
    both = pki.container(PERSON, own, [pki.middle()])
    signer = pkcs12.load_signer(both, "steppe")
    assert signer.chain == (own, pki.middle())
    assert "key" not in repr(signer)
    assert code(pkcs12.load, both, "steppe") == "E-KEY-ALG"
    curve = pki.container(pki.ec_key("person"), pki.personal(key=pki.ec_key("person")))
    assert pkcs12.load_signer(curve, "steppe").chain
    assert pkcs12.load(curve, "steppe").public.alg == "ecdsa-p256-sha256"
    for open_container in (pkcs12.load, pkcs12.load_signer):
        assert code(open_container, both, "wrong") == "E-P12-OPEN"
        assert code(open_container, b"noise", "steppe") == "E-P12-OPEN"
        assert code(open_container, bytes(2 << 20), "") == "E-KEY-ENCODING"
    assert code(pkcs12.load_signer, pki.container(PERSON, None), "steppe") == "E-ENROL-CERT"
    other = pki.container(ec.generate_private_key(ec.SECP384R1()), None)
    assert code(pkcs12.load, other, "steppe") == code(pkcs12.load_signer, other, "steppe") == "E-KEY-ALG"


@pytest.mark.system
def test_a_container_that_does_not_open_says_whether_the_password_is_right(tmp_path: Path) -> None:
    good, strange = pki.container(PERSON, pki.personal()), {}
    for digest in ("sha1", "sha256", "sha384"):
        for command in (
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP224r1 -out k",
            f"openssl pkcs12 -export -nocerts -inkey k -out c -passout pass:steppe -macalg {digest}",
        ):
            subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
        strange[digest] = (tmp_path / "c").read_bytes()
    rights = [(data, "steppe", True) for data in strange.values()]
    wrongs = [(data, "wrong", False) for data in (*strange.values(), good)]
    for data, word, right in (*rights, *wrongs, (strange["sha1"][:-1], "steppe", False), (b"noise", "", False)):
        with pytest.raises(Misuse, match="E-P12-OPEN") as refused:
            pkcs12.load(data, word)
        assert ("the password is right" in refused.value.detail) is right


def test_the_schema_is_that_of_the_act() -> None:
    assert set(parse(canonical(payload()), limit=1 << 16)) == {"party", "alg", "public", "from", "until", "statement"}
