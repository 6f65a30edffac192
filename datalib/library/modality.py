"""Which modalities of the EU's summary the data of a library has: text, image, audio, video."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

#: The modalities, and in which member of ``quality.sizes`` the size of each stands.
SIZES: Final = {"text": "textTokens", "image": "images", "audio": "audioHours", "video": "videoHours"}
_TABLES: Final = ("text/csv", "text/tab-separated-values")
_BY_PURPOSE: Final = {
    "train:llm": "text",
    "train:mt": "text",
    "train:asr": "audio",
    "train:tts": "audio",
    "train:image-classification": "image",
    "train:image-generation": "image",
    "train:video": "video",
    "train:audio": "audio",
}


def modalities(document: Mapping[str, Any]) -> set[str]:
    """Tell which modalities media types and purposes of a manifest show; what has a wrong form is read as absent."""
    kinds = {kind.partition("/")[0] for kind in mediatypes(document) if kind not in _TABLES}
    kinds |= {_BY_PURPOSE[code] for code in _texts(_block(document).get("purpose")) if code in _BY_PURPOSE}
    return kinds & set(SIZES)


def mediatypes(document: Mapping[str, Any]) -> Iterator[str]:
    """Give the media types that resources and collections name."""
    for one in _objects(document.get("resources")):
        yield str(one.get("mediatype", ""))
    for one in _objects(_block(document).get("collections")):
        yield from _texts(one.get("mediatypes"))


def _block(document: Mapping[str, Any]) -> Mapping[str, Any]:
    block = document.get("datalib")
    return block if isinstance(block, Mapping) else {}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else iter(())


def _texts(value: Any) -> Iterator[str]:
    return (one for one in value if isinstance(one, str)) if isinstance(value, list) else iter(())
