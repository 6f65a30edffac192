"""The page that checks libraries, in a real browser, asked in bulk: many libraries or values in one evaluation.

The parts of the script are the page's own; only the last lines, which hand its functions to the tests, are not.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from datalib.publish import checking
from tests.browser import Browser, axe_core, browsing, executable

#: How many bytes of JSON are sent at once.
PIECE = 8 << 20

EXPORTS = """
const held = new Map();
let chosen = null;
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const sourceOf = (given) => typeof given === "string"
  ? new DiskSource(new Blob([held.get(given)]))
  : { size: given.size, each: () => { throw new Error("not to be read"); } };
const codeOf = (work) => {
  try {
    return [null, work()];
  } catch (error) {
    return [error.code ?? error.reason ?? String(error), null];
  }
};
const askOf = async (one, library) => {
  const asked = { purpose: null, require: ["optout"], data: "full", evidence: false, progress: () => {}, ...one.asked };
  const given = (name) => name === null ? null : held.get(name);
  const got = await checkLibrary({
    library, policy: given(one.policy), roots: given(one.roots), state: given(one.state), asked,
  });
  return {
    answer: got.answer, code: got.fault && (got.fault.code ?? got.fault.reason), where: got.fault && got.fault.where,
    detail: got.fault && got.fault.detail, facts: got.facts && JSON.parse(JSON.stringify(got.facts)),
  };
};
const packed = (name) => new File([held.get(name)], "library");
const ask = (one) => askOf(one, (policy) => one.archive
  ? openArchive(packed(one.archive), policy)
  : new Files(new Map(Object.entries(one.files).map(([path, name]) => [path, sourceOf(name)]))));
const unpacked = async (name) => {
  try {
    const kind = await archiveKind(packed(name));
    if (kind === null) return ["undecided.archive", null];
    const blob = kind === "tar.gz" ? await gunzip(packed(name)) : packed(name);
    const entries = await (kind === "zip" ? zipEntries(blob) : tarEntries(blob));
    const found = [];
    for (const { path, folder, source } of entries) {
      const running = new Sha256();
      if (!folder) await source.each((chunk) => running.update(chunk));
      if (!folder) found.push([path, toHex(running.digest())]);
    }
    return [null, found];
  } catch (error) {
    return [error.code ?? error.reason ?? String(error), null];
  }
};
const patient = (work) => Promise.race([work, new Promise((end) => setTimeout(() => end({ answer: "waits" }), 5000))]);
globalThis.tests = {
  held, bytesOf, codeOf, ask,
  verifyAll: (all) => Promise.all(all.map(async ([der, message, signature]) => {
    try {
      await verifySignature(keyFromDer(fromHex(der)), fromHex(signature), fromHex(message));
      return null;
    } catch (error) {
      return error.code ?? error.reason ?? String(error);
    }
  })),
  unpackAll: (names) => Promise.all(names.map(unpacked)),
  expect: () => {
    const choice = document.querySelector("#folder");
    chosen = new Promise((end) => choice.addEventListener("change", () => end([...choice.files]), { once: true }));
  },
  askFolder: async (one) => {
    const pairs = (await chosen).map((file) => [file.webkitRelativePath, file]);
    return patient(askOf(one, libraryOfFolder(pairs).open));
  },
  askAll: (all) => Promise.all(all.map(ask)),
  parts: { %s },
};
"""


@dataclass(kw_only=True)
class Checker:
    """A page with the script, and what was sent to it."""

    browser: Browser
    sent: set[str] = field(default_factory=set)

    def put(self, blobs: Iterable[bytes]) -> list[str]:
        """Send bytes that the page does not have yet; give their digests."""
        names, piece, size = list[str](), dict[str, str](), 0
        for data in blobs:
            name = hashlib.sha256(data).hexdigest()
            names.append(name)
            if name in self.sent:
                continue
            self.sent.add(name)
            piece[name] = base64.b64encode(data).decode()
            size += len(piece[name])
            if size > PIECE:
                self._send(piece)
                piece, size = {}, 0
        self._send(piece)
        return names

    def _send(self, piece: Mapping[str, str]) -> None:
        if piece:
            load = "for (const [name, text] of Object.entries(%s)) tests.held.set(name, tests.bytesOf(text))"
            self.browser.value(load % json.dumps(piece))

    def ask(self, questions: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Check libraries, each given by ``files`` (paths to digests), ``policy``, ``roots``, ``state``, ``asked``."""
        return list(self.browser.value(f"tests.askAll({json.dumps(questions)})"))

    def unpack(self, archives: Sequence[bytes]) -> list[Any]:
        """Read archives; give for each a code, or the digest of each file by its path."""
        return list(self.browser.value(f"tests.unpackAll({json.dumps(self.put(archives))})"))

    def ask_folder(self, folder: Path, trust: Mapping[str, Any]) -> Any:
        """Check a library in a folder that is chosen as a reader does."""
        self.browser.value("tests.expect(); 0")
        give(self.browser, "folder", folder)
        return self.browser.value(f"tests.askFolder({json.dumps(trust)})")

    def each(self, function: str, values: Sequence[Any]) -> list[Any]:
        """Call a function for each value; give code and result, one of both ``None``."""
        script = f"(({{ {', '.join(NAMES)} }}) => {json.dumps(values)}.map((v) => tests.codeOf(() => ({function})(v))))"
        return list(self.browser.value(f"{script}(tests.parts)"))


#: What of the script is handed to the tests by name.
NAMES = (
    "sha256Hex", "Sha256", "parseJson", "parseCanonical", "canonical", "checkSchema", "parseTime", "decodeBase64",
    "checkParty", "pathFault", "foldPath", "Collisions", "keyFromMembers", "verifySignature", "merkleRoot",
    "rootFromPath", "parseLogPolicy", "toHex", "fromHex", "checkLines", "splitLines", "leafHash", "utf8",
)  # fmt: skip


def give(browser: Browser, name: str, *paths: Path) -> None:
    """Choose files, or a folder, as a reader does."""
    root = browser.call("DOM.getDocument")["root"]["nodeId"]
    node = browser.call("DOM.querySelector", nodeId=root, selector=f"#{name}")["nodeId"]
    browser.call("DOM.setFileInputFiles", files=list(map(str, paths)), nodeId=node)


@contextmanager
def checking_browser(folder: Path) -> Iterator[Checker]:
    """Run a browser with the script."""
    program = executable()
    if program is None or axe_core() is None:
        pytest.skip("Chromium or axe-core is not installed")
    page = folder / "parts.html"
    exported = EXPORTS.replace("%s", ", ".join(NAMES))
    script = checking.script(*checking.CHECKS, "given").removesuffix("})();\n") + exported + "})();\n"
    body = f"<title>t</title><input type=file webkitdirectory id=folder><script>{script}</script>"
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8>{body}", encoding="utf-8")
    with browsing(program) as browser:
        browser.show(page)
        yield Checker(browser=browser)
