"""Hugging Face dataset cards: a README whose front matter programs read. Source: Hugging Face Hub, dataset cards.

Out: front matter of what is known, and a body that says in words where the data comes from. In: the front matter alone.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from datalib.errors import Refused
from datalib.formats import format_time
from datalib.interop.foreign import Draft, as_pattern, named_by, table_resource
from datalib.interop.known import DECLARED, Known, lost, objects_of, strings_of, text_of
from datalib.interop.licences import hub_of, licence_of, url_of
from datalib.library.upgrade import Note

#: Purposes that are tasks of the Hub.
TASKS: Final = {
    "train:asr": "automatic-speech-recognition",
    "train:tts": "text-to-speech",
    "train:mt": "translation",
    "train:ner": "token-classification",
    "train:llm": "text-generation",
    "train:text-classification": "text-classification",
    "train:summarization": "summarization",
    "train:question-answering": "question-answering",
    "train:embedding": "feature-extraction",
    "train:image-classification": "image-classification",
    "train:object-detection": "object-detection",
    "train:segmentation": "image-segmentation",
    "train:image-generation": "text-to-image",
    "train:video": "video-classification",
    "train:audio": "audio-classification",
    "train:tabular": "tabular-classification",
    "train:forecasting": "time-series-forecasting",
    "train:robotics": "robotics",
}
_MARKS: Final = re.compile(r"([\\`*_\[\]<>|#])")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_END: Final = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_READ: Final = frozenset(
    ["license", "license_name", "license_link", "language", "pretty_name", "tags", "task_categories", "configs"]
)


def write(known: Known) -> bytes:
    """Give the bytes of a card."""
    import yaml

    front = yaml.safe_dump(front_matter(known), allow_unicode=True, sort_keys=False, width=1 << 16)
    return f"---\n{front}---\n\n{_body(known)}".encode()


def front_matter(known: Known) -> dict[str, Any]:
    """Give the front matter of a card."""
    document = known.document
    licences = objects_of(document, "licenses")
    named = [hub_of(item) for item in licences]
    title = known.manifest.title
    value: dict[str, Any] = {
        "pretty_name": title if isinstance(title, str) else title.get("en") or next(iter(title.values())),
        "license": [name or "other" for name in named] if len(named) > 1 else (named[0] or "other") if named else None,
        "license_name": _text(licences[0].get("name")) if named == [None] else None,
        "license_link": url_of(licences[0]) if named == [None] else None,
        "language": [tag.split("-")[0].lower() for tag in strings_of(known.block, "languages")],
        "tags": strings_of(document, "keywords"),
        "task_categories": [TASKS[code] for code in known.manifest.purpose if code in TASKS],
        "configs": [
            {"config_name": each.name, "data_files": paths[0] if len(paths) == 1 else paths}
            for each in known.manifest.resources
            if each.value.get("format") in {"csv", "tsv", "jsonl", "parquet"}
            and (paths := [_pattern(known, path) for path in each.paths])
        ],
    }
    return {member: said for member, said in value.items() if said}


def _pattern(known: Known, path: str) -> str:
    """Write a path as the Hub reads it: as a pattern, but for a URL, in which brackets are encoded."""
    return known.address(path if "://" in known.base else as_pattern(path))


def lacking(known: Known) -> list[Note]:
    """Name what front matter has no place for; the body says some of it in words."""
    notes = [
        lost("datalib/purpose", f"{code} is no task of the Hub") for code in known.manifest.purpose if code not in TASKS
    ]
    carried = {"spec", "producer", "purpose", "title", "description", "content", "languages"}
    notes += [lost(f"datalib/{member}", "no place in a card") for member in known.block if member not in carried]
    if not objects_of(known.document, "licenses"):
        notes.append(lost("licenses", "the library names none"))
    return [
        *notes,
        lost("resources/*/schema", "columns"),
        lost("sources", "in words only"),
        lost("datalib/producer", "in words only"),
        lost("chain.jsonl", "signatures and events"),
    ]


def _body(known: Known) -> str:
    title, description = known.manifest.title, known.description()
    languages = [] if isinstance(title, str) else [f"- {lang}: {_plain(text)}" for lang, text in sorted(title.items())]
    heading = title if isinstance(title, str) else title.get("en") or next(iter(title.values()))
    said = (
        description.get("en") or next(iter(description.values())) if isinstance(description, Mapping) else description
    )
    parts = [f"# {_plain(heading)}", *(_block(languages)), _plain(said) if said else "", "## Where the data comes from"]
    parts.append("Stated by the producer:")
    parts += _block([_source_line(source.value) for source in known.manifest.sources])
    parts += ["## Who, and what for", *_block(_facts(known)), "## How to check it", _check(known)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(lines: Sequence[str]) -> list[str]:
    return ["\n".join(lines)] if lines else []


def _source_line(value: Mapping[str, Any]) -> str:
    more = [f"{member}: {_plain(str(value[member]))}" for member in ("method", "basis", "license") if member in value]
    address = value.get("path")
    where = f" {_plain(address)}" if isinstance(address, str) else ""
    return f"- {_plain(value['title'])}{where}" + (f" ({', '.join(more)})" if more else "")


def _facts(known: Known) -> list[str]:
    producer = known.manifest.producer
    facts = [
        f"- Producer: {_plain(next(iter(producer.name.values())))} ({_plain(producer.id)})",
        f"- Purposes: {', '.join(known.manifest.purpose)}",
    ]
    if known.past:
        first = format_time(known.past.chain[0].event.time)
        facts.append(f"- Owner: {_plain(known.past.state.owner)}")
        facts.append(f"- Library: `{known.past.library}`, {len(known.past.chain)} events since {first}")
    if known.manifest.content:
        facts.append(f"- Files: {known.manifest.content.files}, listing `{known.manifest.content.sha256}`")
    return facts


def _check(known: Known) -> str:
    made = {
        DECLARED: "This card was written from the manifest and the chain, which were not verified",
        "signed": "This card was written after signatures, chain and listing were verified, without reading all data",
    }.get(known.assurance, "This card was written after signatures, chain, listing and every byte were verified")
    return f"{made}. It is not signed itself: check the library with `datalib verify`."


def _plain(text: str) -> str:
    """Write a text so that Markdown means nothing by it."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def read(data: bytes, where: str) -> Draft:
    """Read the front matter of a card.

    Raises ``Refused``: ``E-FOREIGN-FORMAT`` if there is none; the codes of `yaml_text.parse`.
    """
    from datalib.library import yaml_text

    front, body = _split(data, where)
    try:
        value = yaml_text.parse(front, where=where)
    except Refused as error:  # that code is of descriptors, which `init` reads
        code = "E-FOREIGN-FORMAT" if error.code == "E-DESCRIPTOR" else error.code
        raise Refused(code, error.where, error.detail) from error
    draft = Draft(where)
    if title := text_of(value, "pretty_name"):
        draft.set("title", title)
    _licences(draft, value)
    tags = [tag for tag in strings_of(value, "language") if _LANGUAGE.fullmatch(tag)]
    if tags:
        draft.block["languages"] = tags
    draft.set("keywords", strings_of(value, "tags"))
    _purposes(draft, value)
    _resources(draft, value)
    for member in value:
        if member not in _READ:
            draft.lose(member, "not read")
    if body.strip():
        draft.lose("body", f"{len(body.split())} words below the front matter")
    return draft


def _split(data: bytes, where: str) -> tuple[bytes, str]:
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Refused("E-FOREIGN-FORMAT", where, f"byte {error.start} is not UTF-8") from error
    start = text.removeprefix("---\n")
    end = _END.search(start)
    if start == text or not end:
        raise Refused("E-FOREIGN-FORMAT", where, "no front matter between two lines of ---")
    return start[: end.start()].encode(), start[end.end() :]


def _licences(draft: Draft, value: Mapping[str, Any]) -> None:
    found = []
    link = text_of(value, "license_link")
    for name in strings_of(value, "license"):
        licence = licence_of(name)
        if licence is None and name == "other" and link and "://" in link:
            licence = {"path": link}
        if licence is None:
            draft.lose("license", f"{name!r} names no licence")
        else:
            found.append(licence)
    draft.set("licenses", found)


def _purposes(draft: Draft, value: Mapping[str, Any]) -> None:
    tasks = strings_of(value, "task_categories")
    if tasks:
        draft.lose("task_categories", f"{', '.join(tasks)[:200]}: only the producer can declare purposes")


def _resources(draft: Draft, value: Mapping[str, Any]) -> None:
    for number, config in enumerate(objects_of(value, "configs")):
        files = config.get("data_files")
        listed = files if isinstance(files, list) else [files]
        paths = [path for item in listed for path in strings_of({"path": item}, "path")]
        paths += [path for item in listed if isinstance(item, Mapping) for path in strings_of(item, "path")]
        for path in paths:
            if local := named_by(path):
                draft.add_resource(table_resource(text_of(config, "config_name") or local, local))
            else:
                draft.lose(f"configs/{number}", f"{path[:200]!r}: a pattern or an address")
