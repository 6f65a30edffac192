"""Write proofs: C2SP tlog-proof for an entry, ``proofs/head.json`` for the newest event of a library.

Source: datalib trust specification §9. The readers are in ``datalib.trust.tlog`` and ``datalib.trust.heads``.
"""

from collections.abc import Sequence

from datalib.canonical import canonical
from datalib.formats import encode_base64
from datalib.trust.headmap import HeadPath


def checkpoint_text(origin: str, size: int, root: bytes) -> bytes:
    """Write the text of a checkpoint, which is then signed. C2SP tlog-checkpoint."""
    return f"{origin}\n{size}\n{encode_base64(root)}\n".encode()


def tlog_proof(index: int, path: Sequence[bytes], note: bytes) -> bytes:
    """Write the proof that the tree of a checkpoint, signed as a note, holds an entry at ``index``."""
    hashes = "".join(f"{encode_base64(item)}\n" for item in path)
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n".encode() + note


def head_proof(head: HeadPath, tlog: bytes) -> bytes:
    """Write the proof that an event is the newest; ``tlog`` proves the entry with the root of all heads."""
    return canonical(
        {
            "line": head.line,
            "index": head.index,
            "size": head.size,
            "path": [encode_base64(item) for item in head.path],
            "tlog": tlog.decode(),
        }
    )
