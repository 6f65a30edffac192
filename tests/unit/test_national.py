"""National signatures, certificates and OCSP answers: what is read, verified, refused."""

import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponseBuilder, OCSPResponseStatus

from datalib.errors import Misuse, Refused
from datalib.trust import certificates, cms, keyact, ocsp
from datalib.trust.certificates import Path as Way
from tests import pki
from tests.libraries import DAY, MAKER, START

PARTY = f"kz-bin:{pki.BIN}"
ACT = keyact.make(PARTY, MAKER.key, start=START, until=START + 700 * DAY)
PERSON = pki.rsa_key("person")


def code(function: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises((Refused, Misuse)) as caught:
        function(*arguments, **options)
    return str(caught.value.code)


@pytest.mark.system
@pytest.mark.parametrize("signer", [PERSON, pki.ec_key("person")])
@pytest.mark.parametrize("year", [2026, 2055])
def test_what_is_signed_here_openssl_verifies(tmp_path: Path, signer: Any, year: int) -> None:
    own = pki.personal(key=signer, until=START * 2)
    time = START if year == 2026 else 2_700_000_000
    made = cms.sign(ACT, signer, [own, pki.middle()], time=time)
    assert made == cms.sign(ACT, signer, [own, pki.middle()], time=time)
    found = cms.check(made, ACT)
    assert (found.verified, found.time, found.certificate, found.others) == (True, time, own, (pki.middle(),))
    (tmp_path / "s").write_bytes(made)
    (tmp_path / "act").write_bytes(ACT)
    (tmp_path / "root").write_bytes(pki.root().public_bytes(Encoding.PEM))
    command = ("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-attime", str(time))
    files = ("-in", "s", "-content", "act", "-CAfile", "root", "-out", "/dev/null")
    done = subprocess.run([*command, *files], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.system
@pytest.mark.parametrize(
    "options", ["", "-stream", "-noattr", "-nodetach", "-cades", "-md sha512", "-md sha384", "-keyid"]
)
@pytest.mark.parametrize("signer", ["rsa", "ec"])
def test_what_openssl_signs_is_verified_here(tmp_path: Path, options: str, signer: str) -> None:
    pair = PERSON if signer == "rsa" else pki.ec_key("person")
    named = x509.SubjectKeyIdentifier.from_public_key(pair.public_key())
    own = pki.certificate(pki.OWNER, pair, pki.AUTHORITY, pki.rsa_key("authority"), named)
    pem = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, data in (("act", ACT), ("c", own.public_bytes(Encoding.PEM)), ("k", pem)):
        (tmp_path / name).write_bytes(data)
    command = "openssl cms -sign -binary -in act -signer c -inkey k -outform DER -out s " + options
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    found = cms.check((tmp_path / "s").read_bytes(), ACT)
    assert found.verified
    assert found.certificate == own
    assert (found.time is None) == (options == "-noattr")
    assert code(cms.check, (tmp_path / "s").read_bytes(), ACT + b" ") == "E-ENROL-CMS"


Change = Callable[[Any], None]


def place(signed: Any, name: str) -> int:
    return [each["type"].native for each in signed["signer_infos"][0]["signed_attrs"]].index(name)


def replace(name: str, value: Any) -> Change:
    def change(signed: Any) -> None:
        signed["signer_infos"][0]["signed_attrs"][place(signed, name)]["values"][0] = value

    return change


def without(name: str) -> Change:
    def change(signed: Any) -> None:
        del signed["signer_infos"][0]["signed_attrs"][place(signed, name)]

    return change


def two_signers(signed: Any) -> None:
    signed["signer_infos"] = [signed["signer_infos"][0], signed["signer_infos"][0]]


def one_attribute_twice(signed: Any) -> None:
    attributes = signed["signer_infos"][0]["signed_attrs"]
    attributes.append(attributes[0].copy())


def certificates_set(count: int) -> Change:
    def change(signed: Any) -> None:
        signed["certificates"] = [signed["certificates"][0]] * count

    return change


def other_signature(signed: Any) -> None:
    signed["signer_infos"][0]["signature"] = b"x" * 256


@pytest.mark.parametrize(
    "change",
    [
        *(two_signers, one_attribute_twice, certificates_set(0), certificates_set(33), other_signature),
        *(replace("content_type", "signed_data"), replace("message_digest", b"x")),
        *(without("content_type"), without("message_digest")),
    ],
)
def test_a_signature_that_was_changed_is_refused(change: Change) -> None:
    from asn1crypto import cms as asn1

    value = asn1.ContentInfo.load(cms.sign(ACT, PERSON, [pki.personal()], time=START))
    change(value["content"])
    assert code(cms.check, value.dump(force=True), ACT) == "E-ENROL-CMS"


def test_what_is_no_signature_is_refused() -> None:
    from asn1crypto import cms as asn1
    from asn1crypto import core

    good = cms.sign(ACT, PERSON, [pki.personal()], time=START)
    other = asn1.ContentInfo({"content_type": "data", "content": core.OctetString(b"x")}).dump()
    for data in (b"", b"noise", b"\x30\x80", other, good + b"x", good[:-5], bytes((1 << 20) + 1)):
        assert code(cms.check, data, ACT) == "E-ENROL-CMS"


def test_the_signed_attributes_name_the_certificate() -> None:
    good = cms.sign(ACT, PERSON, [pki.personal()], time=START)
    twin = pki.personal(until=START + 301 * DAY)  # same key, issuer and number
    old, new = (each.public_bytes(Encoding.DER) for each in (pki.personal(), twin))
    assert len(old) == len(new)
    assert code(cms.check, good.replace(old, new), ACT) == "E-ENROL-CMS"


def test_the_facts_of_a_certificate() -> None:
    found = certificates.facts(pki.personal())
    assert (found.bins, found.iins, found.organisation) == ((pki.BIN,), (pki.IIN,), 'ТОО "Дерекнама"')
    assert (found.roles, found.signs, found.issuer) == (("organisation", "head"), True, "ТЕСТ ОРТАЛЫҚ")
    assert found.to_dict()["serial"] == f"{4711:x}"
    bare = certificates.facts(pki.certificate(pki.name("x"), PERSON, x509.Name([]), PERSON))
    assert (bare.roles, bare.signs, bare.bins, bare.issuer) == ((), False, (), "")
    no_policies = pki.certificate(pki.name("x"), PERSON, pki.ROOT, PERSON, pki.usage())
    assert certificates.facts(no_policies).signs


def test_certificates_come_as_pem_and_der() -> None:
    for encoding in (Encoding.PEM, Encoding.DER):
        assert certificates.load(pki.root().public_bytes(encoding), "x") == pki.root()
    for data in (b"", b"-----BEGIN CERTIFICATE-----\n", bytes(70_000)):
        assert code(certificates.load, data, "x") == "E-ENROL-CERT"
    broken = pki.personal().public_bytes(Encoding.DER).replace(bytes.fromhex("0603551d0f"), bytes.fromhex("0603551d25"))
    assert code(certificates.facts, certificates.load(broken, "x")) == "E-ENROL-CERT"


@pytest.mark.parametrize(
    ("subject", "party", "good"),
    [
        (pki.OWNER, PARTY, True),
        (pki.OWNER, "kz-bin:121040000125", False),
        (pki.OWNER, f"kz-iin:{pki.IIN}", False),
        (pki.CITIZEN, f"kz-iin:{pki.IIN}", True),
        (pki.CITIZEN, "kz-iin:991231500707", False),
        (pki.CITIZEN, PARTY, False),
        (pki.name("x", f"BIN{pki.BIN}", "BIN121040000125"), PARTY, False),
        (pki.name("x", "no number"), f"kz-iin:{pki.IIN}", False),
    ],
)
def test_the_number_of_the_party(subject: x509.Name, party: str, good: bool) -> None:
    found = certificates.facts(pki.personal(subject))
    if good:
        assert certificates.check_party(found, party)
    else:
        assert code(certificates.check_party, found, party) == "E-ENROL-BIN"


def test_a_certificate_says_nothing_of_other_registers() -> None:
    assert not certificates.check_party(certificates.facts(pki.personal()), "x-test:someone")


@pytest.mark.parametrize(
    ("options", "party", "good"),
    [
        ({}, PARTY, True),
        ({"roles": ("1.2.398.3.3.4.1.2.2",)}, PARTY, True),
        ({"roles": pki.EMPLOYEE}, PARTY, False),
        ({"roles": ()}, PARTY, False),
        ({"roles": pki.SYSTEM}, PARTY, False),
        ({"roles": pki.PERSON}, f"kz-iin:{pki.IIN}", True),
        ({"roles": ()}, "x-test:someone", True),
        ({"signs": False}, PARTY, False),
        ({"policy": pki.LOGIN}, PARTY, False),
        ({"policy": f"{pki.LOGIN}.1"}, PARTY, False),
    ],
)
def test_the_right_to_sign(options: dict[str, Any], party: str, good: bool) -> None:
    found = certificates.facts(pki.personal(**options))
    if good:
        certificates.check_authority(found, party)
    else:
        assert code(certificates.check_authority, found, party) == "E-ENROL-EKU"


def test_the_way_to_a_root() -> None:
    own, at = pki.personal(), START

    def way(
        *pool: x509.Certificate, roots: tuple[x509.Certificate, ...] = (pki.root(),), of: x509.Certificate = own
    ) -> Way:
        return certificates.find_path(of, pool, roots, at)

    assert way(pki.middle()) is Way.VERIFIED
    assert way(roots=(pki.middle(),)) is Way.VERIFIED
    assert way(pki.middle(), roots=()) is Way.NO_ROOT
    assert way() is Way.NO_ISSUER
    assert way(pki.middle(), of=certificates.load(pki.sha1(own), "x")) is Way.UNSUPPORTED
    looks_gost = certificates.load(pki.gost(own.public_bytes(Encoding.DER)), "x")
    assert way(pki.middle(), of=looks_gost) is Way.UNSUPPORTED


@pytest.mark.parametrize("case", ["forged", "no authority", "expired", "no extensions", "too short", "long", "loop"])
def test_ways_that_lead_to_no_root(case: str) -> None:
    own, root_key, middle_key = pki.personal(), pki.rsa_key("root"), pki.rsa_key("authority")
    pool = [pki.middle()]
    if case == "forged":
        pool = [pki.authority(pki.AUTHORITY, pki.rsa_key("thief"), pki.ROOT, pki.rsa_key("thief"))]
    if case == "no authority":
        basic = x509.BasicConstraints(ca=False, path_length=None)
        pool = [pki.certificate(pki.AUTHORITY, middle_key, pki.ROOT, root_key, basic, pki.usage(certifies=True))]
    if case == "expired":
        basic = x509.BasicConstraints(ca=True, path_length=None)
        extensions = (basic, pki.usage(certifies=True))
        pool = [pki.certificate(pki.AUTHORITY, middle_key, pki.ROOT, root_key, *extensions, until=START)]
    if case == "no extensions":
        pool = [pki.certificate(pki.AUTHORITY, middle_key, pki.ROOT, root_key)]
    if case == "too short":
        below, below_key = pki.name("below"), pki.rsa_key("below")
        pool += [pki.authority(below, below_key, pki.AUTHORITY, middle_key)]
        own = pki.certificate(pki.OWNER, PERSON, below, below_key)
    if case == "long":
        names = [pki.ROOT, *(pki.name(f"n{number}") for number in range(7))]
        pool = [pki.authority(low, root_key, high, root_key) for high, low in pairwise(names)]
        own = pki.certificate(pki.OWNER, PERSON, names[-1], root_key)
    if case == "loop":
        a, b = pki.name("a"), pki.name("b")
        pool = [pki.authority(a, root_key, b, root_key), pki.authority(b, root_key, a, root_key)]
        own = pki.certificate(pki.OWNER, PERSON, a, root_key)
    assert code(certificates.find_path, own, pool, [pki.root()], START) == "E-ENROL-CHAIN"


def test_keys_too_small_or_of_another_kind_prove_nothing() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    small = pki.certificate(pki.OWNER, pki.rsa_key("small", 1024), pki.ROOT, pki.rsa_key("root"))
    assert certificates.verify(small, b"", b"", SHA256()) is None
    builder = x509.CertificateBuilder().subject_name(pki.OWNER).issuer_name(pki.ROOT).serial_number(1)
    builder = builder.not_valid_before(pki.moment(0)).not_valid_after(pki.moment(START))
    edwards = builder.public_key(Ed25519PrivateKey.generate().public_key()).sign(pki.rsa_key("root"), SHA256())
    assert certificates.verify(edwards, b"", b"", SHA256()) is None
    looks_gost = certificates.load(pki.gost(pki.personal().public_bytes(Encoding.DER)), "x")
    assert certificates.verify(looks_gost, b"", b"", SHA256()) is None


def test_a_stored_answer_is_read() -> None:
    own, pool = pki.personal(), [pki.root(), pki.middle()]
    good = ocsp.read(pki.answer(own, later=START + 3 * DAY), own, pool)
    assert good is not None
    assert (good.status, good.time, good.next, good.verified) == ("good", START + DAY, START + 3 * DAY, True)
    assert [good.covers(START + days * DAY) for days in (0, 1, 2, 4)] == [True, True, True, False]
    revoked = ocsp.read(pki.answer(own, status=OCSPCertStatus.REVOKED), own, pool)
    assert revoked is not None
    assert (revoked.status, revoked.revoked, revoked.next) == ("revoked", START, None)
    other = pki.personal(serial=1)
    assert ocsp.read(pki.answer(other), own, pool) is None
    refused = OCSPResponseBuilder.build_unsuccessful(OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER)
    for data in (b"", b"noise", refused, bytes((1 << 20) + 1)):
        assert code(ocsp.read, data, own, pool) == "E-ENROL-OCSP"


def test_who_may_answer() -> None:
    own, pool = pki.personal(), [pki.middle()]

    def verified(data: bytes, pool: list[x509.Certificate] = pool) -> bool:
        found = ocsp.read(data, own, pool)
        assert found is not None
        return found.verified

    assert verified(pki.answer(own, signer=pki.responder()))
    assert verified(pki.answer(own, digest=SHA384()))
    assert not verified(pki.answer(own), [])
    assert not verified(pki.answer(own, signer=(pki.root(), pki.rsa_key("root"))))
    assert not verified(pki.answer(own, signer=pki.responder(can=False)))
    assert not verified(pki.answer(own, signer=pki.responder(issuer_key="thief")))
    assert not verified(pki.answer(own, signer=pki.responder(until=START)))
    assert not verified(pki.gost(pki.answer(own)))
    forged = bytearray(pki.answer(own, signer=pki.responder()))
    at = bytes(forged).index(b"20260922")
    forged[at : at + 8] = b"20260923"
    assert not verified(bytes(forged))


def test_a_certificate_of_no_version_or_with_names_that_are_no_text_is_none() -> None:
    der = pki.middle().public_bytes(Encoding.DER)
    version, name = bytes.fromhex("a003020102"), "ТЕСТ ОРТАЛЫҚ".encode()
    assert version in der
    assert name in der
    for broken in (der.replace(version, version[:-1] + b"\x12"), der.replace(name, b"\xff" * len(name))):
        assert code(certificates.load, broken, "x") == "E-ENROL-CERT"
