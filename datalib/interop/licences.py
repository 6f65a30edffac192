"""Licences by other people's names: SPDX identifiers, their URLs, and the names that Hugging Face uses.

Only what is certain is translated: an unknown name stays as it was written.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

_SPDX_URL: Final = "https://spdx.org/licenses/"
_CREATIVE = re.compile(
    r"https?://creativecommons\.org/(?:licenses/(by|by-sa|by-nc|by-nd|by-nc-sa|by-nc-nd)/([1-4]\.[05])"
    r"|publicdomain/(zero)/1\.0)(?:/(?:deed|legalcode)[a-z.-]*)?/?"
)
_EU = re.compile(r"https?://publications\.europa\.eu/resource/authority/licence/([A-Z0-9_]+)")
_SPDX = re.compile(r"https?://(?:www\.)?spdx\.org/licenses/([A-Za-z0-9.+-]+?)(?:\.html|\.json)?/?")
_CHOOSE = re.compile(r"https?://choosealicense\.com/licenses/([a-z0-9.-]+)/?")
#: SPDX identifiers that others write in small letters. Source: SPDX licence list; Hugging Face, dataset cards.
_NAMES: Final = (
    "AFL-3.0 AGPL-3.0-only Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 CC0-1.0 CC-BY-2.0 CC-BY-2.5 "
    "CC-BY-3.0 CC-BY-4.0 CC-BY-NC-2.0 CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-2.0 "
    "CC-BY-NC-SA-3.0 CC-BY-NC-SA-4.0 CC-BY-ND-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CDLA-Permissive-1.0 CDLA- "
    "Permissive-2.0 CDLA-Sharing-1.0 ECL-2.0 EPL-2.0 EUPL-1.1 EUPL-1.2 GFDL-1.3-only GPL-2.0-only GPL-3.0-only "
    "ISC LGPL-3.0-only MIT MPL-2.0 MS-PL NCSA ODbL-1.0 ODC-By-1.0 OFL-1.1 PDDL-1.0 Unlicense WTFPL Zlib"
)
KNOWN: Final = {spdx.lower(): spdx for spdx in _NAMES.split()}
#: Names of Hugging Face that are no SPDX identifiers in small letters.
_HUB: Final = {
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0",
    "gfdl": "GFDL-1.3-only",
    "gpl-3.0": "GPL-3.0-only",
    "gpl-2.0": "GPL-2.0-only",
    "lgpl-3.0": "LGPL-3.0-only",
    "agpl-3.0": "AGPL-3.0-only",
}


def spdx_of(text: str) -> str | None:
    """Give the SPDX identifier that a name or URL stands for, if that is certain."""
    if found := _CREATIVE.fullmatch(text):
        named = f"CC-{found[1]}-{found[2]}".upper() if found[1] else "CC0-1.0"
        return KNOWN.get(named.lower(), named)
    if found := _SPDX.fullmatch(text):
        return KNOWN.get(found[1].lower(), found[1])
    if found := _EU.fullmatch(text):
        named = re.sub(r"_([0-9])_([0-9])\Z", r"-\1.\2", found[1]).replace("_", "-")
        return KNOWN.get("cc0-1.0" if named == "CC0" else named.lower())
    if found := _CHOOSE.fullmatch(text):
        text = found[1]
    return KNOWN.get(text.lower()) or _HUB.get(text.lower())


def licence_of(text: str) -> dict[str, str] | None:
    """Give a member of ``licenses``: an identifier, a URL; ``None`` for words that name no licence (``other``)."""
    spdx = spdx_of(text)
    if spdx:
        return {"name": spdx, "path": text} if "://" in text else {"name": spdx}
    return {"path": text} if "://" in text else None


def url_of(licence: Mapping[str, Any]) -> str | None:
    """Give the URL of a member of ``licenses``: its own, else that of its SPDX identifier."""
    path, named = licence.get("path"), licence.get("name")
    if isinstance(path, str) and "://" in path:
        return path
    spdx = spdx_of(named) if isinstance(named, str) else None
    return f"{_SPDX_URL}{spdx}" if spdx else None


def hub_of(licence: Mapping[str, Any]) -> str | None:
    """Give the name that Hugging Face has for a member of ``licenses``."""
    spdx = next((found for member in ("name", "path") if (found := spdx_of(str(licence.get(member, ""))))), None)
    own = {value: key for key, value in _HUB.items()}
    return None if spdx is None else own.get(spdx, spdx.lower())
