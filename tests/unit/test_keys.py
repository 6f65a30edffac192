"""Keys: which are sound, what they sign, how they are kept."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from datalib.errors import Misuse, Refused
from datalib.formats import encode_base64
from datalib.trust.keys import Algorithm, PrivateKey, PublicKey
from tests.libraries import key

BOTH = pytest.mark.parametrize("alg", list(Algorithm))
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519 = bytes.fromhex("302a300506032b6570032100")


def spki(public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | x25519.X25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@BOTH
def test_a_signature_holds_for_its_message_and_key_only(alg: Algorithm) -> None:
    signer = key("one", alg)
    signature = signer.sign(b"message")
    assert signer.sign(b"message") == signature
    signer.public.verify(signature, b"message")
    for other in (
        key("two", alg).public,
        key("one", Algorithm.ED25519 if alg is Algorithm.P256 else Algorithm.P256).public,
    ):
        with pytest.raises(Refused, match="E-SIG-INVALID"):
            other.verify(signature, b"message")
    for broken in (b"", signature[:-1], signature + b"\0", bytes(64)):
        with pytest.raises(Refused, match="E-SIG-INVALID"):
            signer.public.verify(broken, b"message", "here")
    with pytest.raises(Refused, match="E-SIG-INVALID"):
        signer.public.verify(signature, b"another")


def test_a_second_spelling_of_a_signature_is_refused() -> None:
    signer = key("one", Algorithm.P256)
    r, s = decode_dss_signature(signer.sign(b"message"))
    assert s <= ORDER // 2
    with pytest.raises(Refused, match="E-SIG-MALLEABLE"):
        signer.public.verify(encode_dss_signature(r, ORDER - s), b"message")


@BOTH
def test_private_keys_are_kept_in_files(alg: Algorithm) -> None:
    signer = PrivateKey.new(alg)
    assert PrivateKey.from_pem(signer.to_pem()) == signer
    sealed = signer.to_pem("пароль")
    assert b"ENCRYPTED" in sealed
    assert PrivateKey.from_pem(sealed, "пароль") == signer
    for password in (None, "", "wrong"):
        with pytest.raises(Misuse, match="E-KEY-PASSWORD"):
            PrivateKey.from_pem(sealed, password, "k.pem")
    assert "PRIVATE" not in repr(signer)


@BOTH
def test_public_keys_are_kept_in_files(alg: Algorithm) -> None:
    public = key("one", alg).public
    assert PublicKey.from_pem(public.to_pem()) == public
    assert PublicKey.from_dict(public.to_dict()) == public
    assert len(public.keyid) == 64


@pytest.mark.parametrize("data", [b"", b"-----BEGIN PUBLIC KEY-----\n", b"\xff" * 99, key("one").to_pem()])
def test_what_is_no_public_key_file_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="E-KEY-ENCODING"):
        PublicKey.from_pem(data)


@pytest.mark.parametrize("data", [b"", b"text", b"-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_private_key_file_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="E-KEY-PRIVATE"):
        PrivateKey.from_pem(data)


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024),  # noqa: S505 - it is to be refused
        lambda: ec.generate_private_key(ec.SECP384R1()),
        x25519.X25519PrivateKey.generate,
    ],
)
def test_keys_of_other_kinds_are_refused(
    make: Callable[[], ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | x25519.X25519PrivateKey],
) -> None:
    other = make()
    with pytest.raises(Refused, match="E-KEY-ALG"):
        PrivateKey.from_pem(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(Refused, match="E-KEY-ALG"):
        PublicKey.from_der(spki(other.public_key()))


def test_a_key_must_have_the_name_of_its_kind() -> None:
    for signer in (key("one"), key("one", Algorithm.P256)):
        for name in ("ed25519", "ecdsa-p256-sha256", "rsa", ""):
            if name != signer.public.alg:
                with pytest.raises(Refused, match="E-KEY-ALG"):
                    PublicKey.from_dict(signer.public.to_dict() | {"alg": name})


COMPRESSED = key("one", Algorithm.P256).public.der[27:59]
NOT_KEYS = {
    "nothing": b"",
    "text": b"abc",
    "bytes after it": key("one").public.der + b"\0",
    "half of it": key("one").public.der[:20],
    "short": bytes.fromhex("3029300506032b6570032000") + bytes(31),
    "parameters": bytes.fromhex("302c300706032b65700500032100") + bytes(32),
    "compressed point": bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d03010703220002") + COMPRESSED,
    "not on the curve": key("one", Algorithm.P256).public.der[:-64] + b"\1" * 64,
    "long form of a short length": b"\x30\x81\x2a" + key("one").public.der[2:],
    "indefinite length": b"\x30\x80" + key("one").public.der[2:],
    "length in too many bytes": b"\x30\x82\x00\x2a" + key("one").public.der[2:],
    "bytes after the key": bytes.fromhex("302c300506032b6570032100") + bytes(32) + b"\x05\x00",
}


@pytest.mark.parametrize("der", NOT_KEYS.values(), ids=NOT_KEYS)
def test_other_encodings_are_refused(der: bytes) -> None:
    with pytest.raises(Refused, match="E-KEY-ENCODING"):
        PublicKey.from_der(der)


def test_base64_is_decoded_strictly() -> None:
    for public in ("%", "YQ", " " + key("one").public.to_dict()["public"]):
        with pytest.raises(Refused, match="E-KEY-ENCODING"):
            PublicKey.from_dict({"alg": "ed25519", "public": public})


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18, 2**255 - 1])
@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_weak_keys_are_refused(y: int, sign: int) -> None:
    raw = (y | sign).to_bytes(32, "little")
    with pytest.raises(Refused, match="E-KEY-WEAK"):
        PublicKey.from_ed25519(raw)
    with pytest.raises(Refused, match="E-KEY-ALG"):
        PublicKey.from_dict({"alg": "ecdsa-p256-sha256", "public": encode_base64(ED25519 + raw)})
