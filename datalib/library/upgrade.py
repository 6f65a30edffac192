"""Descriptors of earlier vocabularies in the words of Data Package v2: a pure function over JSON values.

Known members of version 0 (before 2017) and 1 are renamed or reshaped; every other member is kept as it is. What cannot
be meant (a list of resources that is a number) is refused with its place. Source: Data Package v2, "Changelog" and
"Backward compatibility"; Data Package v1; Tabular Data Package v1.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from datalib.errors import Refused
from datalib.library.names import distinct, is_slug, slug, unique

PROFILE: Final = "https://datapackage.org/profiles/2.0/datapackage.json"

_STANDARD_PROFILES: Final = frozenset({
    "default", "data-package", "tabular-data-package", "fiscal-data-package", "data-resource", "tabular-data-resource",
})  # fmt: skip
_DIGEST_LENGTHS: Final = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_STRING_FORMATS: Final = frozenset({"default", "email", "uri", "binary", "uuid"})
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PERSON: Final = re.compile(r"\s*(?P<title>[^<(]*?)\s*(?:<(?P<email>[^>]*)>)?\s*(?:\((?P<path>[^)]*)\))?\s*")
_PERSON_LENGTH: Final = 500
#: Members of version 0 that named people, and the role each became.
_ROLES: Final[Mapping[str, str]] = {
    "author": "author",
    "authors": "author",
    "maintainers": "maintainer",
    "publishers": "publisher",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A warning: what was done or found, where, under a stable code."""

    code: str
    where: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What an earlier descriptor said of the bytes of one file: ``size`` in bytes, ``digest`` as lower-case hex."""

    size: int | None = None
    algorithm: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """A descriptor in the words of version 2, what was changed, and what it said of its files (by path)."""

    document: dict[str, Any]
    notes: tuple[Note, ...]
    declared: Mapping[str, Declared] = field(default_factory=dict)


def upgrade(document: Mapping[str, Any], where: str) -> Upgraded:
    """Say a descriptor in the words of version 2; ``where`` is the name of its file, for messages.

    Raises ``Refused``: ``E-DESCRIPTOR`` for a member of the wrong shape, ``E-RES-REMOTE`` for data, schemas or dialects
    behind a URL or (schemas and dialects) still given by reference, ``E-MANIFEST-DATALIB`` for a block of another type.
    """
    return _Upgrade(where).run(dict(document))


class _Upgrade:
    def __init__(self, where: str) -> None:
        self._where = where
        self._notes: list[Note] = []
        self._declared: dict[str, Declared] = {}
        self._renamed: dict[str, str] = {}

    def run(self, package: dict[str, Any]) -> Upgraded:
        resources = package.get("resources", [])
        if not isinstance(resources, list):
            raise self._wrong("/resources", "must be a list")
        if "datalib" in package and not isinstance(package["datalib"], dict):
            raise Refused("E-MANIFEST-DATALIB", f"{self._where}#/datalib", "must be an object")
        self._profile(package, "")
        self._texts(package, "", ("name", "title", "description", "version", "homepage", "id"))
        self._people(package, "")
        self._created(package)
        if isinstance(package.get("keywords"), str):
            package["keywords"] = [word.strip() for word in package["keywords"].split(",") if word.strip()]
        self._items(package, "", "keywords", str)
        self._common(package, "")
        if "name" in package and not is_slug(package["name"]):
            package["name"] = self._rename("/name", package["name"], slug(package["name"], "library"))
        taken: set[str] = set()
        package["resources"] = [
            self._resource(item, f"/resources/{index}", taken) for index, item in enumerate(resources)
        ]
        for resource in package["resources"]:
            self._follow_renames(resource)
        schema = package.pop("$schema", PROFILE)
        return Upgraded(document={"$schema": schema, **package}, notes=tuple(self._notes), declared=self._declared)

    # --- helpers ---

    def _wrong(self, place: str, detail: str) -> Refused:
        return Refused("E-DESCRIPTOR", f"{self._where}#{place}", detail)

    def _note(self, place: str, detail: str) -> None:
        self._notes.append(Note(code="W-DESCRIPTOR", where=f"{self._where}#{place}", detail=detail))

    def _rename(self, place: str, old: str, new: str) -> str:
        if old != new:
            self._note(place, f"name {old!r} is now {new!r}")
        return new

    def _texts(self, owner: dict[str, Any], place: str, names: tuple[str, ...]) -> None:
        """Members that are texts; a number (YAML reads ``version: 1.0`` as one) becomes its text, null goes."""
        for name in names:
            value = owner.get(name)
            if value is None:
                owner.pop(name, None)
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                owner[name] = str(value)
            elif not isinstance(value, str):
                raise self._wrong(f"{place}/{name}", "must be a text")

    def _items(self, owner: dict[str, Any], place: str, name: str, kind: type) -> list[Any]:
        """Give a member that is a list of ``kind``; an empty list goes, as version 2 asks for at least one item."""
        value = owner.get(name)
        if value is None or value == []:
            owner.pop(name, None)
            return []
        if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
            raise self._wrong(f"{place}/{name}", f"must be a list of {'texts' if kind is str else 'objects'}")
        return value

    def _profile(self, owner: dict[str, Any], place: str) -> None:
        profile = owner.pop("profile", None)
        if profile is not None and not isinstance(profile, str):
            raise self._wrong(f"{place}/profile", "must be a text")
        if profile and profile not in _STANDARD_PROFILES:
            owner.setdefault("$schema", profile)
        if profile == "tabular-data-resource":
            owner.setdefault("type", "table")
        if not isinstance(owner.get("$schema", ""), str):
            raise self._wrong(f"{place}/$schema", "must be a text")
        if owner.get("$schema", "").startswith(
            ("https://datapackage.org/profiles/", "https://specs.frictionlessdata.io/")
        ):
            del owner["$schema"]

    def _created(self, package: dict[str, Any]) -> None:
        created = package.get("created")
        if created is None:
            package.pop("created", None)
            return
        try:
            moment = datetime.fromisoformat(str(created))
        except ValueError:
            self._note("/created", f"{str(created)[:40]!r} is no time and was left out")
            del package["created"]
            return
        package["created"] = moment.isoformat().replace("+00:00", "Z") + ("" if moment.tzinfo else "Z")

    # --- people, licences, sources ---

    def _people(self, owner: dict[str, Any], place: str) -> None:
        people: list[dict[str, Any]] = []
        for name, role in (("contributors", ""), *_ROLES.items()):
            value = owner.pop(name, None)
            items = [] if value is None else _listed(value)
            for index, item in enumerate(items):
                person = self._person(item, f"{place}/{name}/{index}")
                if role:
                    person.setdefault("roles", [role])
                people.append(person)
        if people:
            owner["contributors"] = people

    def _person(self, item: Any, place: str) -> dict[str, Any]:
        if isinstance(item, str):
            match = _PERSON.fullmatch(item) if len(item) <= _PERSON_LENGTH else None
            item = {name: text for name, text in match.groupdict().items() if text} if match else {"title": item}
        if not isinstance(item, dict):
            raise self._wrong(place, "must be an object")
        person = dict(item)
        for old, new in (("name", "title"), ("web", "path"), ("url", "path")):
            if old in person and new not in person:
                person[new] = person.pop(old)
        role = person.pop("role", None)
        if isinstance(role, str) and role:
            person.setdefault("roles", [role])
        self._texts(person, place, ("title", "path", "email", "organization"))
        self._email(person, place)
        return person

    def _email(self, owner: dict[str, Any], place: str) -> None:
        email = owner.get("email")
        if email is not None and not (isinstance(email, str) and _EMAIL.fullmatch(email)):
            del owner["email"]
            if email:
                self._note(f"{place}/email", f"{str(email)[:80]!r} is no address and was left out")

    def _common(self, owner: dict[str, Any], place: str) -> None:
        """Licences and sources stand in packages and in resources."""
        for old, new in (("license", "licenses"), ("licence", "licenses"), ("source", "sources")):
            said = [_listed(owner.pop(name)) for name in (new, old) if owner.get(name) is not None]
            owner.pop(old, None)
            if said:
                owner[new] = [item for items in said for item in items]
        for name, read in (("licenses", self._license), ("sources", self._source)):
            self._read_list(owner, place, name, read)

    def _read_list(
        self, owner: dict[str, Any], place: str, name: str, read: Callable[[dict[str, Any], str], dict[str, Any] | None]
    ) -> None:
        if isinstance(owner.get(name), list):
            owner[name] = [{"title": item} if isinstance(item, str) else item for item in owner[name]]
        items = self._items(owner, place, name, dict)
        kept = [read(dict(item), f"{place}/{name}/{index}") for index, item in enumerate(items)]
        if items:
            owner[name] = [item for item in kept if item is not None]
        if not owner.get(name, True):
            del owner[name]

    def _license(self, item: dict[str, Any], place: str) -> dict[str, Any] | None:
        for old, new in (("id", "name"), ("type", "name"), ("url", "path")):
            if old in item and new not in item:
                item[new] = item.pop(old)
        self._texts(item, place, ("name", "path", "title"))
        if not item.get("name") and not item.get("path"):
            if not item.get("title"):
                self._note(place, "a licence without name, path and title was left out")
                return None
            # A text that is an identifier is one; any other gets the form that SPDX keeps for licences not on its list.
            title = item["title"]
            item["name"] = title if re.fullmatch(r"[A-Za-z0-9.+-]+", title) else f"LicenseRef-{slug(title, 'other')}"
        return item

    def _source(self, item: dict[str, Any], place: str) -> dict[str, Any] | None:
        for old in ("web", "url"):
            if old in item and "path" not in item:
                item["path"] = item.pop(old)
        self._texts(item, place, ("title", "name", "path", "email"))
        self._email(item, place)
        title = item.get("title") or item.get("name") or item.get("path")
        if not title:
            self._note(place, "a source without title and path was left out")
            return None
        if not item.get("path"):
            item.pop("path", None)
        return {**item, "title": title}

    # --- resources ---

    def _resource(self, given: Any, place: str, taken: set[str]) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise self._wrong(place, "must be an object")
        resource = dict(given)
        self._texts(resource, place, ("name", "title", "description", "format", "mediatype", "encoding", "url"))
        if "mimetype" in resource and "mediatype" not in resource:
            resource["mediatype"] = resource.pop("mimetype")
        self._profile(resource, place)
        self._people(resource, place)
        self._common(resource, place)
        paths = self._paths(resource, place)
        self._bytes(resource, place, paths)
        for name in ("schema", "dialect"):
            value = resource.get(name)
            if value is None:
                resource.pop(name, None)
            elif isinstance(value, str):
                raise Refused("E-RES-REMOTE", f"{self._where}#{place}/{name}", f"given by reference: {value[:200]}")
            elif not isinstance(value, dict):
                raise self._wrong(f"{place}/{name}", "must be an object")
        if "schema" in resource:
            resource["schema"] = self._schema(resource["schema"], f"{place}/schema")
        old = resource.get("name", "")
        base = old if is_slug(old) else slug(old or (paths[0].rpartition("/")[2].rpartition(".")[0] if paths else ""))
        name = unique(base, taken)
        if old:
            self._rename(f"{place}/name", old, name)
            self._renamed.setdefault(old, name)
        return {**resource, "name": name}

    def _paths(self, resource: dict[str, Any], place: str) -> list[str]:
        url = resource.pop("url", None)
        if url and "path" not in resource and "data" not in resource:
            resource["path"] = url
        elif url:
            resource["sources"] = [*resource.get("sources", []), {"title": url, "path": url}]
        value = resource.get("path")
        paths = [value] if isinstance(value, str) else [] if value is None else value
        extra = resource.pop("extrapaths", None) or []
        if not isinstance(paths, list) or not isinstance(extra, list):
            raise self._wrong(f"{place}/path", "must be a text or a list of texts")
        paths = [*paths, *extra]
        if not all(isinstance(path, str) and path for path in paths):
            raise self._wrong(f"{place}/path", "must be a text or a list of texts")
        if bool(paths) == ("data" in resource):
            raise self._wrong(place, "must have either path or data")
        for path in paths:
            if "://" in path:
                raise Refused("E-RES-REMOTE", f"{self._where}#{place}/path", f"{path[:200]} is not in the folder")
        paths = [re.sub(r"\A(\./)+", "", path) for path in paths]
        if paths:
            resource["path"] = paths[0] if len(paths) == 1 and not isinstance(value, list) else paths
        return paths

    def _bytes(self, resource: dict[str, Any], place: str, paths: list[str]) -> None:
        """Take out what is said of the bytes: it is set anew from the files, and compared with them."""
        stats = resource.get("stats")
        said = {**(stats if isinstance(stats, dict) else {}), **resource}
        if isinstance(stats, dict):
            kept = {name: value for name, value in stats.items() if name not in {"bytes", "hash", "md5", "sha256"}}
            resource["stats"] = kept
            if not kept:
                del resource["stats"]
        for name in ("bytes", "hash"):
            resource.pop(name, None)
        size = said.get("bytes")
        text = next((said[name] for name in ("hash", "sha256", "md5") if isinstance(said.get(name), str)), "")
        algorithm, _, digest = text.rpartition(":")
        algorithm = algorithm.lower().replace("-", "") or _DIGEST_LENGTHS.get(len(digest), "")
        if text and algorithm != "sha256":
            self._note(f"{place}/hash", f"{algorithm or 'a digest'} was left out: sign puts the SHA-256")
        if len(paths) == 1:
            self._declared[paths[0]] = Declared(
                size=size if isinstance(size, int) and not isinstance(size, bool) else None,
                algorithm=algorithm,
                digest=digest.lower(),
            )

    def _schema(self, given: dict[str, Any], place: str) -> dict[str, Any]:
        schema = dict(given)
        self._profile(schema, place)
        if fields := self._items(schema, place, "fields", dict):
            schema["fields"] = self._fields([dict(item) for item in fields], f"{place}/fields")
        if isinstance(schema.get("primaryKey"), str):
            schema["primaryKey"] = [schema["primaryKey"]]
        keys = [dict(key) for key in self._items(schema, place, "foreignKeys", dict)]
        for index, key in enumerate(keys):
            reference = key.get("reference", {})
            if not isinstance(reference, dict):
                raise self._wrong(f"{place}/foreignKeys/{index}/reference", "must be an object")
            key["reference"] = dict(reference)
            for owner in (key, key["reference"]):
                if isinstance(owner.get("fields"), str):
                    owner["fields"] = [owner["fields"]]
        if keys:
            schema["foreignKeys"] = keys
        return schema

    def _fields(self, fields: list[dict[str, Any]], place: str) -> list[dict[str, Any]]:
        for index, item in enumerate(fields):
            if not isinstance(item.get("name"), str):
                raise self._wrong(f"{place}/{index}/name", "must be a text")
            said = item.get("format")
            if item.get("type", "string") == "string" and said is not None and said not in _STRING_FORMATS:
                self._note(f"{place}/{index}/format", f"{str(said)[:40]!r} is no format of a text and was left out")
                del item["format"]
        for index, (item, name) in enumerate(zip(fields, distinct([item["name"] for item in fields]), strict=True)):
            item["name"] = self._rename(f"{place}/{index}/name", item["name"], name)
        return fields

    def _follow_renames(self, resource: dict[str, Any]) -> None:
        for key in resource.get("schema", {}).get("foreignKeys", []):
            target = key["reference"].get("resource")
            if target == "":
                del key["reference"]["resource"]  # version 2: a reference to its own resource names none
            elif isinstance(target, str) and target in self._renamed:
                key["reference"]["resource"] = self._renamed[target]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
