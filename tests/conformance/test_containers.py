"""PKCS #12 containers as they are found: three with a P-256 key, one with a GOST key."""

import base64
import json

import pytest

from datalib.errors import Misuse
from datalib.trust import certificates, pkcs12
from tests.shared import SHARED

VECTORS = SHARED / "cases" / "trust" / "third-party" / "pkcs12.jsonl"

pytestmark = pytest.mark.shared


def test_containers_open_or_say_what_may_be_wrong() -> None:
    vectors = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]
    assert len(vectors) >= 4
    for vector in vectors:
        data, word = base64.b64decode(vector["p12"]), vector["password"]
        if vector["expect"] == "E-P12-OPEN":
            with pytest.raises(Misuse, match=r"E-P12-OPEN.*the password is right: a GOST key"):
                pkcs12.load(data, word)
            with pytest.raises(Misuse, match="E-P12-OPEN") as refused:
                pkcs12.load(data, word + "x")
            assert not refused.value.detail
            continue
        assert pkcs12.load(data, word).public.alg == "ecdsa-p256-sha256", vector["id"]
        facts = certificates.facts(pkcs12.load_signer(data, word).chain[0])
        _, _, unit = vector["expect"].partition("OU=BIN")
        assert facts.bins == ((unit,) if unit else facts.bins), vector["id"]
        with pytest.raises(Misuse, match="E-P12-OPEN"):
            pkcs12.load(data, word + "x")
