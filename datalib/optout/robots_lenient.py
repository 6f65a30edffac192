r"""The lenient scan of robots.txt: what a person would read in lines that the letter passes over.

It repairs what careless editors and copied web pages do to a file: Unicode look-alikes (full-width colons, dashes,
zero-width characters, NUL), lost line ends (a written ``\n``, line separators, two directives on one line), a missing
colon, misspelt keys, several agents on one line, HTML tags, agents with digits, dots, blanks or versions, whole URLs
as paths.

Its result only ever adds denials: the strict reading is the union of what the letter and this scan deny.
"""

import re
import unicodedata
from typing import Final

_BREAKS = re.compile(r"\r\n|[\r\n]")
#: Line ends that RFC 9309 does not know: a written ``\n`` before a key, vertical tab, form feed, NEL, U+2028, U+2029.
_SOFT_BREAKS = re.compile(
    r"(?:\\r)?\\[rn](?=\s*(?:user-?\s?agent|dis\w*allow|allow|content-|license|$))|[\v\f\x85\u2028\u2029]",
    re.IGNORECASE,
)
_INLINE = re.compile(r"(?<=\S)\s+(?=(?:user-?agent|disallow|allow)\s*:)", re.IGNORECASE)
_DASHES = re.compile(r"[\u2010-\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d\u00ad]")
_NOT_LETTER = re.compile(r"[^a-z]+")
_BETWEEN = re.compile(r"[\s,;|()+]+")
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_URL = re.compile(r"https?://[^/\s]*(/.*)?", re.IGNORECASE)
_PLAIN_TOKEN = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
#: Words of user-agent strings that name no crawler.
_FILLERS: Final = frozenset({"mozilla", "compatible", "applewebkit", "khtml", "like", "gecko", "safari", "chrome"})

_MIN_KEY: Final = 5
_MAX_KEY: Final = 60
_DISALLOW: Final = ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw")
_EXACT: Final = {
    "allow": "allow", "allows": "allow", "allowed": "allow",
    "contentsignal": "content-signal", "contentsignals": "content-signal",
    "contentusage": "content-usage", "contentusages": "content-usage",
    "license": "license", "licence": "license", "sitemap": "sitemap", "sitemaps": "sitemap",
    "crawldelay": "crawl-delay",
}  # fmt: skip
_KNOWN_ONE_EDIT: Final = (("disallow", "disallow"), ("useragent", "user-agent"))


#: One line: its key (``user-agent``, ``allow``, ``disallow`` or as written in lower case), its value, its number.
Record = tuple[str, str, int]


def read(text: bytes) -> list[Record]:
    """Read the lines of a file leniently."""
    records: list[Record] = []
    for number, line in enumerate(_BREAKS.split(text.decode("utf-8", "surrogateescape")), 1):
        if not line.isascii() or "\\" in line or not line.isprintable():
            if line.lstrip().startswith("#") and not _SOFT_BREAKS.search(line):
                continue
            for piece in _SOFT_BREAKS.split(line):
                _read_piece(clean(piece), number, records)
        else:
            _read_piece(line, number, records)
    return records


def clean(text: str) -> str:
    """Fold look-alikes: NFKC, dashes to ``-``, no format or control characters, no NUL."""
    if text.isascii() and text.isprintable():
        return text.strip()
    folded = _DASHES.sub("-", unicodedata.normalize("NFKC", text))
    kept = (" " if c == "\t" else c for c in folded if c == "\t" or unicodedata.category(c) not in {"Cf", "Cc"})
    return "".join(kept).strip()


def agent_names(value: str) -> tuple[str, ...]:
    """Give the tokens that a ``User-agent`` value may speak for, in lower case; ``*`` for everyone.

    The value as a whole (``chatgpt agent``) and each word of it (``GPTBot, CCBot``), without version, quotes, stars.
    """
    if _PLAIN_TOKEN.fullmatch(value):
        return (value.lower(),)
    whole = clean(value).strip("\"'` ").casefold()
    if whole == "*":
        return ("*",)
    names = dict.fromkeys([whole, whole.replace("*", "")])
    for word in _BETWEEN.split(whole):
        bare = word.strip("\"'`:").partition("/")[0]
        if bare == "*":
            names["*"] = None
        elif bare not in _FILLERS:
            names[bare.replace("*", "")] = None
    names.pop("", None)
    return tuple(names)


def asked_names(agent: str) -> tuple[str, ...]:
    """Give the tokens under which an agent may be named: itself, and the products of a user-agent string."""
    if _PLAIN_TOKEN.fullmatch(agent):
        return (agent.lower(),)
    whole = clean(agent).casefold()
    names = dict.fromkeys([whole])
    if "/" in whole or "(" in whole or whole.startswith("mozilla"):
        for word in _BETWEEN.split(whole):
            bare, _, rest = word.partition("/")
            if bare not in _FILLERS and not rest.startswith("/"):
                names[bare] = None
    names.pop("", None)
    names.pop("*", None)
    return tuple(names)


def _read_piece(line: str, number: int, records: list[Record]) -> None:
    text = line.partition("#")[0]
    text = (_TAG.sub(" ", text) if "<" in text else text).strip()
    if not text:
        return
    for part in _INLINE.split(text) if text.count(":") > 1 else (text,):
        key, value = _split(part)
        if key:
            records += [(key, found, number) for found in _values(key, value)]


def _split(text: str) -> tuple[str, str]:
    """Cut a line in key and value: at a colon, an equals sign, or after the words of a known key."""
    for mark in (":", "="):
        head, found, rest = text.partition(mark)
        if found and (key := _key(head)):
            return key, rest.strip()
    words = text.split(None, 2)
    for count in (2, 1):
        if len(words) > count and (key := _key(" ".join(words[:count]))):
            return key, text.split(None, count)[count].strip()
    head, colon, rest = text.partition(":")
    return (head.strip().lower(), rest.strip()) if colon else ("", "")


def _key(head: str) -> str:
    """Give the key that some spelling means, or nothing. What speaks of training is a key of its own."""
    letters = _NOT_LETTER.sub("", head.casefold()) if len(head) <= _MAX_KEY else ""
    if len(letters) < _MIN_KEY or "train" in letters:
        return ""
    if letters in _EXACT:
        return _EXACT[letters]
    if letters.startswith(_DISALLOW):
        return "disallow"
    if letters.startswith("useragent"):
        return "user-agent"
    return next((key for word, key in _KNOWN_ONE_EDIT if _one_edit(letters, word)), "")


def _one_edit(text: str, word: str) -> bool:
    """Say whether one letter was lost, doubled, changed, or swapped with the next."""
    if abs(len(text) - len(word)) > 1:
        return False
    same = 0
    while same < min(len(text), len(word)) and text[same] == word[same]:
        same += 1
    rest, goal = text[same:], word[same:]
    return (
        rest[1:] == goal or rest == goal[1:] or rest[1:] == goal[1:]
        or (len(rest) > 1 and rest[:2] == goal[1::-1] and rest[2:] == goal[2:])
    )  # fmt: skip


def _values(key: str, value: str) -> list[str]:
    """Give the values of one line: several paths may stand in it, and a path may be written as a whole URL.

    A URL without a path of its own says nothing here: it names another host as often as the own one.
    """
    if key not in {"allow", "disallow"}:
        return [value]
    words = value.replace(",", " ").split() if " " in value or "\t" in value else [value]
    paths: list[str] = []
    for word in words:
        path = word.strip("\"'`")
        if found := _URL.fullmatch(path):
            paths += [found[1]] if found[1] not in {None, "/"} else []
        elif path.startswith(("/", "*")) or not paths:
            paths.append(path)
    return paths
