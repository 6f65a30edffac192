"""PDF: the metadata streams of the document and of its parts, and the texts of its information dictionary.

pikepdf reads the file: object streams, encryption without a password, recovery. Source: ISO 32000-2 §14.3.
"""

from typing import Any, Final

from datalib.optout.media.source import MAX_PIECE, DamagedError, Metadata, Source, inflate

#: A document with more objects is held back unread.
MAX_OBJECTS: Final = 1 << 18
_RAW_LIMIT: Final = 1 << 20  # of streams that only the library can unpack
_WARNED: Final = ("damaged", "recover", "reconstruct")


def read(source: Source, found: Metadata) -> None:
    """Enter all metadata streams. Raises DamagedError."""
    import pikepdf

    try:
        with pikepdf.open(source.stream, suppress_warnings=True) as document:
            if len(document.objects) > MAX_OBJECTS:
                raise DamagedError("more PDF objects than are read")
            for item in document.objects:
                if isinstance(item, pikepdf.Dictionary):
                    found.store |= bool(item.get("/AFRelationship") == "/C2PA_Manifest")
                elif isinstance(item, pikepdf.Stream) and _is_metadata(item):
                    number = item.objgen[0]
                    found.add_packet(decoded(item), f"/xmp-object-{number}")
            for name, value in document.docinfo.items():
                found.add_text(f"{name}: {value}", f"/info{name}")
            if any(word in str(warning).lower() for warning in document.get_warnings() for word in _WARNED):
                found.trouble.append("the PDF file is damaged")
    except pikepdf.PasswordError as error:
        raise DamagedError("the PDF file asks for a password") from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, RecursionError) as error:
        raise DamagedError("the PDF file cannot be read") from error


def _is_metadata(item: Any) -> bool:
    return bool(item.get("/Type") == "/Metadata" or item.get("/Subtype") == "/XML")


def decoded(item: Any) -> bytes:
    """Unpack a stream within bounds."""
    raw = bytes(item.read_raw_bytes())
    names = item.get("/Filter")
    filters = [] if names is None else [str(name) for name in names] if _is_array(names) else [str(names)]
    if not filters:
        data = raw
    elif filters == ["/FlateDecode"] and "/DecodeParms" not in item:
        data = inflate(raw)
    elif len(raw) <= _RAW_LIMIT:
        data = bytes(item.read_bytes())
    else:
        raise DamagedError("a metadata stream is too large")
    if len(data) > MAX_PIECE:
        raise DamagedError("a metadata stream is too large")
    return data


def _is_array(names: Any) -> bool:
    import pikepdf

    return isinstance(names, pikepdf.Array)
