"""The XMP packet of a PDF document, changed: pikepdf writes the file anew, with all objects that the document uses.

Earlier revisions that a file may keep behind its end are not carried over. Documents that are signed or encrypted are
not written. Source: ISO 32000-2 §12.8 (signatures), §14.3.2 (metadata streams).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from datalib.optout.media import pdf
from datalib.optout.media.source import DamagedError

#: What pikepdf raises on account of a file.
_FAULTS: Final = (ValueError, TypeError, KeyError, AttributeError, RuntimeError, RecursionError)


class SignedError(Exception):
    """The document is signed, and any change would break that."""


def write(path: Path, out: Path, change: Callable[[bytes], bytes]) -> None:
    """Write the document with its packet changed. Raises DamagedError, SignedError."""
    import pikepdf

    try:
        with pikepdf.open(path, suppress_warnings=True) as document:
            if document.is_encrypted:
                raise DamagedError("it is encrypted")
            if _is_signed(document):
                raise SignedError
            old = document.Root.get("/Metadata")
            packet = pdf.decoded(old) if isinstance(old, pikepdf.Stream) else b""
            made = document.make_stream(change(packet), Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
            document.Root.Metadata = made
            document.save(
                out,
                linearize=document.is_linearized,
                object_stream_mode=pikepdf.ObjectStreamMode.preserve,
                stream_decode_level=pikepdf.StreamDecodeLevel.none,
                compress_streams=False,
                fix_metadata_version=False,
                deterministic_id=True,
            )
    except (pikepdf.PdfError, *_FAULTS) as error:
        raise DamagedError(str(error).partition("\n")[0] or "the PDF file cannot be read") from error


def _is_signed(document: Any) -> bool:
    """Say whether any object is a signature: it has a byte range, or is a field that is signed."""
    import pikepdf

    return any(
        isinstance(item, pikepdf.Dictionary) and ("/ByteRange" in item or (item.get("/FT") == "/Sig" and "/V" in item))
        for item in document.objects
    )
