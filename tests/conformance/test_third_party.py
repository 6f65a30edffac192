"""Vectors of other projects: Wycheproof, CCTV, JCS, JSONTestSuite, notes, checkpoints, Merkle trees, DSSE, RFC 3161."""

import base64
import hashlib
import json
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from datalib.canonical import canonical, parse
from datalib.chain.envelope import pae
from datalib.errors import Refused
from datalib.merkle import leaf_hash, root_from_path, root_of_hashes, verify_consistency
from datalib.trust import logpolicy, timestamps
from datalib.trust.keys import PublicKey
from datalib.trust.notes import KeyType, Note, NoteKey
from datalib.trust.tiles import ENTRIES, Edge, Tile, TileTree, decode_bundle, encode_bundle
from datalib.trust.timestamps import Authority
from datalib.trust.tlog import Checkpoint, TlogProof
from tests.shared import SHARED

VECTORS = SHARED / "cases" / "trust" / "third-party"

pytestmark = pytest.mark.shared

Vector = Mapping[str, Any]


def vectors(name: str, count: int) -> list[Vector]:
    with (VECTORS / f"{name}.jsonl").open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    assert len(found) >= count
    return found


def answer(function: Callable[..., object], *arguments: object, **options: object) -> str:
    """Give the code of a refusal, else ``accept``."""
    try:
        function(*arguments, **options)
    except Refused as error:
        return error.code
    return "accept"


def is_signed(key: PublicKey, vector: Vector) -> str:
    return answer(key.verify, bytes.fromhex(vector["sig"]), bytes.fromhex(vector["msg"]))


def test_wycheproof_ed25519() -> None:
    for vector in vectors("wycheproof-ed25519", 151):
        key = PublicKey.from_ed25519(bytes.fromhex(vector["pk"]))
        expected = "accept" if vector["expect"] == "valid" else "E-SIG-INVALID"
        assert is_signed(key, vector) == expected, vector["id"]


def test_wycheproof_p256() -> None:
    for vector in vectors("wycheproof-ecdsa-p256-sha256", 484):
        key = PublicKey.from_der(bytes.fromhex(vector["spki"]))
        allowed = {"E-SIG-INVALID", "E-SIG-MALLEABLE"}
        if vector["expect"] == "valid":
            allowed = {"accept" if vector["expect_low_s"] == "valid" else "E-SIG-MALLEABLE"}
        assert is_signed(key, vector) in allowed, vector["id"]


def test_weak_ed25519_keys_are_refused() -> None:
    for vector in vectors("weak-ed25519-keys", 14):
        with pytest.raises(Refused, match="E-KEY-WEAK"):
            PublicKey.from_ed25519(bytes.fromhex(vector["pk"]))


def test_cctv_keys_of_low_order_or_in_a_second_spelling_are_refused_and_no_others() -> None:
    for vector in vectors("cctv-ed25519", 914):
        weak = {"low_order_A", "non_canonical_A"} & set(vector["flags"] or ())
        expected = "E-KEY-WEAK" if weak else "accept"
        assert answer(PublicKey.from_ed25519, bytes.fromhex(vector["pk"])) == expected, vector["id"]


def test_jcs_documents() -> None:
    for vector in vectors("jcs-documents", 6):
        assert canonical(json.loads(vector["input"])).hex() == vector["output_hex"], vector["id"]


def test_jcs_numbers() -> None:
    for vector in vectors("jcs-numbers", 1000):
        (number,) = struct.unpack(">d", bytes.fromhex(vector["ieee754"]))
        assert canonical(number).decode() == vector["expect"], vector["ieee754"]


def test_json_parsing() -> None:
    for vector in vectors("json-parsing", 318):
        if vector["gen"]:
            text, repeat = vector["gen"]
            data = (text * repeat).encode()
        else:
            data = base64.b64decode(vector["bytes"])
        code = answer(parse, data, limit=16 << 20)
        # The vectors are about any value; here it must be an object, which is told last.
        assert ("accept" if code == "E-SCHEMA" else code) == vector["expect_strict"], vector["id"]


def decoded(values: list[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in values or []]


def test_merkle_inclusion() -> None:
    for vector in vectors("merkle-inclusion", 98):
        leaf, root = decoded([vector["leafHash"] or "", vector["root"] or ""])
        computed = root_from_path(leaf, vector["leafIdx"], vector["treeSize"], decoded(vector["proof"]))
        assert (computed is None or computed != root) == vector["wantErr"], vector["id"]


def test_merkle_consistency() -> None:
    for vector in vectors("merkle-consistency", 98):
        old, new = decoded([vector["root1"] or "", vector["root2"] or ""])
        holds = verify_consistency(vector["size1"], old, vector["size2"], new, decoded(vector["proof"]))
        assert holds != (vector["wantErr"] or vector["size1"] == 0), vector["id"]


def test_signed_notes() -> None:
    for vector in vectors("signed-note", 12):
        key = NoteKey.from_vkey(vector["vkey"], KeyType.LOG, "E-LOG-POLICY")
        try:
            signers = Note.parse(vector["note"].encode(), "E-LOG-CHECKPOINT").verify([key], "E-LOG-CHECKPOINT")
        except Refused:
            signers = {}
        assert bool(signers) == (vector["expect"] == "accept"), vector["id"]


def test_checkpoints() -> None:
    for vector in vectors("tlog-checkpoint", 11):
        with pytest.raises(Refused, match="E-LOG-CHECKPOINT"):
            Checkpoint.parse(vector["text"].encode())


def test_checkpoints_of_a_real_log_agree_with_its_tiles() -> None:
    for vector in vectors("tlog-tiles", 15):
        key = NoteKey.from_vkey(vector["vkey"], KeyType.LOG, "E-LOG-POLICY")
        note = Note.parse(vector["checkpoint"].encode(), "E-LOG-CHECKPOINT")
        assert note.verify([key], "E-LOG-CHECKPOINT")
        checkpoint = Checkpoint.parse(note.text)
        tile, bundle = decoded([vector["tile_0_000_p"], vector["entries_000_p"]])
        hashes = [tile[start : start + 32] for start in range(0, len(tile), 32)]
        assert (checkpoint.size, checkpoint.root) == (vector["size"], root_of_hashes(hashes))
        assert hashes[0] == leaf_hash(bundle[2 : 2 + int.from_bytes(bundle[:2], "big")])


def tree_of(files: Mapping[str, bytes], size: int) -> TileTree:
    return TileTree(size, lambda path, _limit: files.get(path))


def files_of(vector: Vector) -> dict[str, bytes]:
    """Name the files of a real log as its folder does."""
    tile, bundle = decoded([vector["tile_0_000_p"], vector["entries_000_p"]])
    size = vector["size"]
    return {Tile(0, 0, size).path: tile, Tile(ENTRIES, 0, size).path: bundle}


def test_a_real_log_of_tiles_is_read_grown_and_proven() -> None:
    sizes = {vector["size"]: vector for vector in vectors("tlog-tiles", 15)}
    roots = {
        size: Checkpoint.parse(Note.parse(vector["checkpoint"].encode(), "E-LOG-CHECKPOINT").text).root
        for size, vector in sizes.items()
    }
    for size, vector in sizes.items():
        files = files_of(vector)
        tree = tree_of(files, size)
        assert tree.root() == roots[size]
        (entries,) = tree.bundles()
        assert encode_bundle(entries) == files[Tile(ENTRIES, 0, size).path]
        for old in range(1, size + 1):
            assert verify_consistency(old, roots[old], size, roots[size], tree.consistency(old))
            path = tree.inclusion(old - 1)
            assert root_from_path(leaf_hash(entries[old - 1]), old - 1, size, path) == roots[size]
        # From here our own registry would write the same tiles as theirs did.
        edge = Edge.of(tree)
        for larger in range(size + 1, len(sizes) + 1):
            theirs = files_of(sizes[larger])
            last = decode_bundle(theirs[Tile(ENTRIES, 0, larger).path])[-1]
            assert not list(edge.extend([leaf_hash(last)]))
            assert dict(edge.partial()) == {Tile(0, 0, larger): theirs[Tile(0, 0, larger).path]}
            assert edge.root() == roots[larger]


def test_tlog_proofs() -> None:
    for vector in vectors("tlog-proof", 11):
        expected = "accept" if vector["expect"] == "accept" else "E-LOG-PROOF"
        assert answer(TlogProof.parse, vector["text"].encode()) == expected, vector["id"]


def vkey(kind: KeyType, key: str) -> str:
    # One of the placeholders is no key by our rules: y is not below the order of the field.
    data = bytes([kind]) + bytes.fromhex("9" * 64 if key == "f" * 64 else key)
    name = hashlib.sha256(b"n\n" + data).digest()[:4].hex()
    return f"n+{name}+{base64.b64encode(data).decode()}"


def test_the_grammar_of_log_policies() -> None:
    for vector in vectors("tlog-policy", 15):
        text = re.sub(
            r"(?m)^([ \t]*log[ \t]+)([0-9a-f]{64})",
            lambda match: match[1] + vkey(KeyType.LOG, match[2]),
            vector["config"],
        )
        text = re.sub(
            r"(?m)^([ \t]*witness[ \t]+\S+[ \t]+)([0-9a-f]{64})",
            lambda match: match[1] + vkey(KeyType.WITNESS, match[2]),
            text,
        )
        expected = "accept" if vector["expect"] == "accept" else "E-LOG-POLICY"
        assert answer(logpolicy.parse, text) == expected, vector["id"]


def test_dsse() -> None:
    for vector in vectors("dsse", 7):
        payload = base64.b64decode(vector["payload"])
        message = pae(vector["payloadType"], payload)
        assert message == base64.b64decode(vector["pae"]), vector["id"]
        if "spki" in vector:
            key = PublicKey.from_der(base64.b64decode(vector["spki"]))
            key.verify(base64.b64decode(vector["sig_der"]), message)
            with pytest.raises(Refused, match="E-SIG-INVALID"):
                key.verify(base64.b64decode(vector["sig_raw_rs"]), message)


#: What the seven good and four bad responses end in here; those of them that a reader of a library could not use: their
#: certificates are neither in the token nor in a policy, which lists roots.
STAMPS = {
    "sigstage bad signature": "E-TSA-TOKEN",
    "sigstage other message": "E-TSA-IMPRINT",
    "test_tsa wrong root": "E-TSA-CHAIN",
    "test_tsa injected certs, spoofed common name pinned": "E-TSA-CERT",
}


def test_time_stamps() -> None:
    for vector in vectors("rfc3161", 11):
        if "root_der" in vector:
            roots = [base64.b64decode(vector["root_der"])]
        else:
            chain = x509.load_pem_x509_certificates(vector["chain_pem"].encode())
            chosen = chain if vector["pin_leaf"] else chain[-1:]
            roots = [each.public_bytes(Encoding.DER) for each in chosen]
        authorities = [Authority(root=base64.b64encode(root).decode(), start=0, until=1 << 40) for root in roots]
        data, message = base64.b64decode(vector["tsr"]), base64.b64decode(vector["message"])
        expected = "accept" if vector["expect"] == "valid" else STAMPS[vector["id"]]
        assert answer(timestamps.check, data, message, authorities, 1 << 40) == expected, vector["id"]
