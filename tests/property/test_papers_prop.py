"""Whatever papers come in, they are read, or refused in one of our ways; a changed one is never believed."""

import os
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib import enrolment
from datalib.enrolment import Papers
from datalib.errors import DatalibError
from datalib.fileproof import ProofFile
from datalib.trust import certificates, cms, keyact, ocsp, pkcs12
from tests import pki
from tests.libraries import DAY, MAKER, START

ACT = keyact.make(f"kz-bin:{pki.BIN}", MAKER.key, start=START, until=START + DAY)
OWN = pki.personal()
EXAMPLES = 2000 if "DATALIB_SOAK" in os.environ else 100


SAMPLES = {
    "act": ACT,
    "cms": cms.sign(ACT, pki.rsa_key("person"), [OWN], time=START),
    "ocsp": pki.answer(OWN),
    "certificate": OWN.public_bytes(Encoding.DER),
    "container": pki.container(pki.rsa_key("person"), OWN),
    "proof": b'{"line":"x","index":0,"size":1,"path":[]}',
}


def mutated(data: bytes, draw: st.DataObject) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        at = draw.draw(st.integers(0, len(changed)))
        piece = draw.draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"\x30\x80", b"\x84\xff\xff\xff\xff"])))
        length = draw.draw(st.sampled_from([0, 1, len(piece), 40]))
        changed[at : at + length] = piece
    return bytes(changed)


@pytest.mark.parametrize("kind", SAMPLES)
@settings(max_examples=EXAMPLES, deadline=None)
@given(draw=st.data())
def test_changed_papers_are_read_or_refused(kind: str, draw: st.DataObject) -> None:
    data = mutated(SAMPLES[kind], draw)
    with suppress(DatalibError):
        match kind:
            case "certificate":
                certificates.facts(certificates.load(data, "x"))
            case "container":
                pkcs12.load_signer(data, "steppe")
            case "proof":
                ProofFile.parse(data)
            case "ocsp":
                ocsp.read(data, OWN, [pki.middle()])
            case _:
                papers = {"act": ACT, "cms": SAMPLES["cms"], kind: data}
                given_papers = Papers(**papers, ocsp=SAMPLES["ocsp"], roots=[pki.root()], others=[pki.middle()])
                found = enrolment.check(given_papers, now=START + 2 * DAY)
                assert found.act == keyact.KeyAct.parse(ACT)
