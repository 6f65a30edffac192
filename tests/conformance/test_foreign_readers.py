"""Programs that know nothing of datalib read our chains: sha256sum, OpenSSL, securesystemslib, in-toto."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from in_toto.models.metadata import Metadata
from securesystemslib.dsse import Envelope
from securesystemslib.signer._key import Key, SSlibKey

from datalib.chain import envelope
from datalib.chain.envelope import EVENT_TYPE
from datalib.optout.declaration import declare
from datalib.trust.keys import Algorithm
from tests.libraries import BUYER, MAKER, NOW, Library, Person, sound


def foreign_key(person: Person) -> Key:
    public = person.key.public
    is_p256 = public.alg is Algorithm.P256
    return SSlibKey(
        keyid=public.keyid,
        keytype="ecdsa" if is_p256 else "ed25519",
        scheme="ecdsa-sha2-nistp256" if is_p256 else "ed25519",
        keyval={"public": public.to_pem().decode() if is_p256 else public.raw.hex()},
    )


def transfer(tmp_path: Path) -> tuple[Library, bytes]:
    library = sound(tmp_path)
    return library, library.lines[2]


def test_securesystemslib_sees_both_signatures_of_a_transfer(tmp_path: Path) -> None:
    _, line = transfer(tmp_path)
    theirs = Envelope.from_dict(json.loads(line))
    verified = theirs.verify([foreign_key(MAKER), foreign_key(BUYER)], threshold=2)
    assert set(verified) == {MAKER.key.public.keyid, BUYER.key.public.keyid}
    assert theirs.pae() == envelope.parse(line, payload_type=EVENT_TYPE).signed_bytes


def test_securesystemslib_verifies_a_declaration() -> None:
    said, data = declare(["e.x"], holder=MAKER.party, key=MAKER.key, now=NOW)
    theirs = Envelope.from_dict(json.loads(data))
    assert set(theirs.verify([foreign_key(MAKER)], threshold=1)) == {said.signed_by}
    assert json.loads(theirs.payload) == said.to_dict()


def test_in_toto_loads_a_line_and_verifies_it(tmp_path: Path) -> None:
    _, line = transfer(tmp_path)
    path = tmp_path / "line.json"
    path.write_bytes(line)
    loaded = Metadata.load(str(path))
    for person in (MAKER, BUYER):
        key = foreign_key(person)
        loaded.verify_signature({"keyid": key.keyid, **key.to_dict()})


@pytest.mark.system
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize("person", [MAKER, BUYER])
def test_openssl_verifies_a_signature(tmp_path: Path, person: Person) -> None:
    _, line = transfer(tmp_path)
    ours = envelope.parse(line, payload_type=EVENT_TYPE)
    (signature,) = (item.sig for item in ours.signatures if item.keyid == person.key.public.keyid)
    (tmp_path / "key.der").write_bytes(person.key.public.der)
    (tmp_path / "pae").write_bytes(ours.signed_bytes)
    (tmp_path / "sig").write_bytes(signature)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der"]
    command += ["-rawin", "-in", "pae", "-sigfile", "sig"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert b"Signature Verified Successfully" in done.stdout + done.stderr


@pytest.mark.system
@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_checks_the_files_and_names_the_events(tmp_path: Path) -> None:
    library, line = transfer(tmp_path)
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "files.sha256"], cwd=tmp_path, check=True)  # noqa: S607 - the one of the system
    named = subprocess.run(["sha256sum"], input=line, capture_output=True, check=True)  # noqa: S607 - the one of the system
    assert named.stdout.split()[0].decode() == library.head
