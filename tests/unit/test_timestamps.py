"""Time-stamp tokens: which are believed, and what they do to the time of an event."""

import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.trust import timestamps
from datalib.trust.keys import PublicKey
from datalib.trust.policy import Policy
from datalib.trust.timestamps import MAX_TOKEN, Authority
from datalib.verify import Report, verify
from tests import pki, stamps
from tests.libraries import DAY, MAKER, NOW, ROOTS, START, Library, draft_policy, sign_policy
from tests.stamps import stamp

LINE = b'{"payload":"..."}'


def listed(root: x509.Certificate | None = None, **changes: Any) -> Authority:
    value = stamps.authority(root)
    return Authority(**({"root": value["root"], "start": START - DAY, "until": START + 90 * DAY} | changes))


def refusal(data: bytes, *authorities: Authority, now: int = NOW) -> str:
    with pytest.raises(Refused) as caught:
        timestamps.check(data, LINE, authorities or [listed()], now, "x.tsr")
    assert caught.value.where == "x.tsr"
    return caught.value.code


@pytest.mark.parametrize("imprint", ["sha256", "sha384", "sha512"])
def test_a_token_over_the_line_gives_its_time(imprint: str) -> None:
    data = stamp(LINE, imprint=imprint, time=START + 5)
    assert timestamps.check(data, LINE, [listed(policy=stamps.POLICY)], NOW) == START + 5


def test_the_certificate_of_the_authority_may_be_pinned_itself_and_need_not_travel() -> None:
    data = stamp(LINE, held=())
    assert timestamps.check(data, LINE, [listed(stamps.own())], NOW) == START
    assert refusal(data) == "E-TSA-CERT"


def test_one_of_several_authorities_is_enough() -> None:
    others = [listed(stamps.own(), until=START), listed(policy="1.2.3"), Authority(root="bm8=", start=0, until=NOW)]
    assert timestamps.check(stamp(LINE), LINE, [*others, listed()], NOW) == START
    assert refusal(stamp(LINE), others[0]) == "E-TSA-WINDOW"
    assert refusal(stamp(LINE), *others) == "E-TSA-POLICY"


REJECTION = bytes.fromhex("30053003020102")


@pytest.mark.parametrize(
    "data", [b"", REJECTION, b"\x30", b"\x30\x00", b"no token", b"\x30" * 5000, bytes(MAX_TOKEN + 1)]
)
def test_bytes_that_are_no_response_are_refused(data: bytes) -> None:
    assert refusal(data) == "E-TSA-TOKEN"


def test_every_byte_of_a_response_that_is_cut_or_followed_by_others_is_refused() -> None:
    data = stamp(LINE)
    assert refusal(data + b"\0") == "E-TSA-TOKEN"
    for size in range(0, len(data), 37):
        assert refusal(data[:size]) == "E-TSA-TOKEN"


EVIL = stamps.tsa_certificate(key=pki.ec_key("evil"), subject=pki.name("Spoofed TSA"))
OTHER = stamps.tsa_certificate(key=pki.ec_key("evil"), serial=1)
WEAK = pki.rsa_key("weak", 1024)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("E-TSA-TOKEN", {"status": "rejection"}),
        ("E-TSA-TOKEN", {"signers": 2}),
        ("E-TSA-TOKEN", {"version": "v3"}),
        ("E-TSA-TOKEN", {"key": pki.ec_key("evil")}),
        ("E-TSA-TOKEN", {"attributes": {"message_digest": bytes(32)}}),
        ("E-TSA-TOKEN", {"attributes": {"content_type": "data"}}),
        ("E-TSA-TOKEN", {"unsigned": [{"type": "1.2.3.4", "values": []}]}),
        ("E-TSA-ALG", {"imprint": "sha1"}),
        ("E-TSA-IMPRINT", {"digest": bytes(32)}),
        ("E-TSA-CERT", {"certificate": stamps.tsa_certificate(critical=False)}),
        ("E-TSA-CERT", {"certificate": stamps.tsa_certificate(usages=[])}),
        ("E-TSA-CERT", {"certificate": stamps.tsa_certificate(usages=[ExtendedKeyUsageOID.CODE_SIGNING])}),
        (
            "E-TSA-CERT",
            {
                "certificate": stamps.tsa_certificate(
                    usages=[ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING]
                )
            },
        ),
        ("E-TSA-CERT", {"certificate": stamps.tsa_certificate(until=START)}),
        ("E-TSA-CERT", {"named": EVIL}),
        ("E-TSA-CERT", {"attributes": {"signing_certificate_v2": None}}),
        ("E-TSA-CERT", {"held": [stamps.own(), pki.middle(), EVIL]}),
        ("E-TSA-CERT", {"held": [stamps.own(), pki.middle(), OTHER]}),
        ("E-TSA-ALG", {"key": WEAK, "certificate": stamps.tsa_certificate(key=WEAK)}),
        ("E-TSA-CHAIN", {"certificate": stamps.tsa_certificate(issuer_key="root")}),
        ("E-TSA-CHAIN", {"held": [stamps.own()]}),
        ("E-TSA-WINDOW", {"time": START - DAY - 1}),
        ("E-TSA-WINDOW", {"time": START + 90 * DAY}),
    ],
)
def test_a_bad_token_is_refused(code: str, changes: dict[str, Any]) -> None:
    assert refusal(stamp(LINE, **changes)) == code


def test_a_token_of_gost_or_not_signed_at_all_is_refused() -> None:
    assert refusal(pki.gost(stamp(LINE))) == "E-TSA-ALG"
    unsigned = stamp(LINE).replace(bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("06092a864886f70d010701"))
    assert refusal(unsigned) == "E-TSA-TOKEN"


def test_a_token_from_the_future_or_of_another_root_or_under_other_rules_is_refused() -> None:
    assert refusal(stamp(LINE, time=START + 400), now=START + 99) == "E-TSA-WINDOW"
    assert refusal(stamp(LINE), listed(EVIL)) == "E-TSA-CHAIN"
    assert refusal(stamp(LINE), Authority(root="?", start=0, until=NOW)) == "E-TSA-CHAIN"
    assert refusal(stamp(LINE), listed(policy="1.2.3")) == "E-TSA-POLICY"


def test_a_changed_token_is_refused_or_says_the_same() -> None:
    """Not every byte of a response is signed: its status, the list of digests before the signature."""
    lots, good = random.Random(3161), stamp(LINE)
    for _ in range(20_000 if "DATALIB_SOAK" in os.environ else 200):
        at = lots.randrange(len(good))
        data = good[:at] + lots.choice([b"", lots.randbytes(1), lots.randbytes(2)]) + good[at + lots.randint(0, 2) :]
        try:
            said = timestamps.check(data, LINE, [listed()], NOW)
        except Refused as error:
            assert error.code.startswith("E-TSA-")  # noqa: PT017 - or it says the same
        else:
            assert said == START


def judged(library: Library, *, root: x509.Certificate | None = None, **changes: Any) -> Report:
    draft = draft_policy(tsa=[stamps.authority(root)], **changes)
    policy = Policy.load(sign_policy(draft), roots=ROOTS, now=NOW)
    return verify(library.folder, policy=policy, now=NOW, require=(), data="none")


def put(library: Library, time: int, line: bytes | None = None) -> Path:
    target = library.path(f"proofs/{library.head}.tsr")
    target.write_bytes(stamp(library.lines[-1] if line is None else line, time=time))
    return target


def test_the_earlier_of_both_times_counts(tmp_path: Path) -> None:
    library = Library(folder=tmp_path).genesis().publish()
    put(library, START + 10)
    facts = judged(library).require()
    assert [event.trusted for event in facts.events] == [START + 10]
    assert "tsa" not in facts.not_checked
    put(library, START + 5000)
    assert [event.trusted for event in judged(library).require().events] == [START + 60]


def test_a_token_saves_an_event_whose_key_had_expired_when_it_was_logged(tmp_path: Path) -> None:
    library = Library(folder=tmp_path).genesis().publish()
    draft = draft_policy()
    for key in (key for party in draft["parties"] for key in party["keys"] if party["id"] == MAKER.id):
        assert PublicKey.from_dict({"alg": key["alg"], "public": key["public"]}).keyid == MAKER.key.public.keyid
        key["until"] = "2026-09-21T14:14:00Z"  # 40 seconds after the event, 20 before its proof
    assert judged(library, parties=draft["parties"]).integrity.code == "E-KEY-EXPIRED"
    put(library, START + 30)
    assert judged(library, parties=draft["parties"]).accepted


def test_without_a_quorum_the_token_is_the_time_and_without_a_proof_there_is_none(tmp_path: Path) -> None:
    library = Library(folder=tmp_path).genesis()
    log = draft_policy()["log"]["policy"].replace("quorum W", "quorum none")
    put(library, START + 30)
    loose = {"policy": log, "require": False}
    assert [event.trusted for event in judged(library, log=loose).require().events] == [START + 30]
    library.path(f"proofs/{library.head}.tlog-proof").unlink()
    assert [event.trusted for event in judged(library, log=loose).require().events] == [None]
    put(library, START + 30, b"another line")
    assert judged(library, log=loose).integrity.code == "E-TSA-IMPRINT"


def test_tokens_of_upstream_libraries_are_read_too(tmp_path: Path) -> None:
    below = Library(folder=tmp_path / "below").genesis()
    assert below.log is not None
    top = Library(folder=tmp_path / "top", log=below.log, name="top", day=3, files={"o.txt": b"o\n"})
    top.files |= {f"in/{path}": data for path, data in below.files.items()}
    top.block = {"inputs": [below.input(below)]}
    top.genesis()
    for one, other in ((top, below), (below, top)):
        one.publish(others=[other])
    top.ship(below)
    assert judged(top).accepted
    name = f"upstream/{below.lib}/proofs/{below.head}.tsr"
    top.path(name).write_bytes(stamp(below.lines[-1]))
    assert judged(top).accepted
    top.path(name).write_bytes(b"hidden")
    refused = judged(top).integrity
    assert (refused.code, refused.where) == ("E-TSA-TOKEN", name)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize("kind", [("ec", "ec_paramgen_curve:P-256"), ("rsa", "rsa_keygen_bits:2048")])
def test_a_token_that_openssl_makes_from_the_event_id_is_believed(tmp_path: Path, kind: tuple[str, str]) -> None:
    (tmp_path / "serial").write_text("01\n")
    (tmp_path / "ts.cnf").write_text(
        "[req]\ndistinguished_name = dn\n[dn]\n[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_digest = sha256\n"
        "default_policy = 1.2.3\ndigests = sha256\n"
    )
    dates = "-days 2 -subj /CN=T -config ts.cnf -addext extendedKeyUsage=critical,timeStamping"
    for command in (
        f"openssl req -x509 -newkey {kind[0]} -pkeyopt {kind[1]} -nodes -keyout k -out c {dates}",
        f"openssl ts -query -config ts.cnf -digest {sha256_hex(LINE)} -sha256 -cert -out q",
        "openssl ts -reply -config ts.cnf -queryfile q -signer c -inkey k -out r",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    root = timestamps.read_root((tmp_path / "c").read_bytes())
    pinned = Authority(root=root, start=0, until=1 << 40, policy="1.2.3")
    assert timestamps.check((tmp_path / "r").read_bytes(), LINE, [pinned], 1 << 40) > START - 2 * 365 * DAY
