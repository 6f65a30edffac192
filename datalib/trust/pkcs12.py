"""Take a private key out of a PKCS #12 file, the container of national digital signatures (RFC 7292)."""

from datalib.errors import Misuse, Refused
from datalib.trust import p256
from datalib.trust.keys import PrivateKey

MAX_BYTES = 1 << 20


def load(data: bytes, password: str, where: str = "") -> PrivateKey:
    """Open the container and give its P-256 or Ed25519 key.

    Raises ``Misuse("E-P12-OPEN")`` when it does not open: the password is wrong, or the key is a GOST key, which
    ordinary libraries cannot read and report in the same words; ``Refused("E-KEY-ALG")`` for a key that cannot sign
    events (RSA).
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    if len(data) > MAX_BYTES:
        raise Refused("E-KEY-ENCODING", where, f"larger than {MAX_BYTES} bytes")
    try:
        handle, _, _ = load_key_and_certificates(data, password.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Misuse("E-P12-OPEN", where) from error
    if isinstance(handle, Ed25519PrivateKey) or p256.is_private(handle):
        return PrivateKey.from_handle(handle)
    raise Refused("E-KEY-ALG", where, "a key for events is Ed25519 or P-256" if handle else "no private key inside")
