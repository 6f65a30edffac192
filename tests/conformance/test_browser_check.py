"""The page that checks libraries, used as a reader does: files are chosen, buttons pressed, languages switched."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from datalib.archive.pack import pack
from datalib.canonical import canonical
from datalib.chain.events import Attest, Claim
from datalib.formats import sha256_hex
from datalib.publish import checking
from datalib.publish.checking import SiteTrust
from datalib.publish.wording import sentences
from datalib_vocab import LANGUAGES, text
from tests.browser import Browser, axe_core, browsing, executable
from tests.catalogues import SITE, build
from tests.checker import give
from tests.libraries import NOW, ROOTS, SCANNER, Library, draft_policy, key, sign_policy, sound
from tests.property.test_mutations import sectoral
from tests.property.test_report_prop import NASTY

pytestmark = pytest.mark.system

POLICY, PINNED = sign_policy(draft_policy()), canonical(ROOTS.to_dict())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = executable()
    if program is None or axe_core() is None:
        pytest.skip("Chromium or axe-core is not installed")
    with browsing(program) as found:
        found.call("Page.addScriptToEvaluateOnNewDocument", source=f"Date.now = () => {NOW * 1000}")
        yield found


@dataclass(kw_only=True)
class Reader:
    """Somebody in front of the page."""

    browser: Browser
    folder: Path
    handed: int = 0

    def open(self, lang: str = "en", site: SiteTrust | None = None, fragment: str = "", **look: Any) -> "Reader":
        page = self.folder / "check.html"
        page.write_bytes(checking.write(lang, site))
        self.browser.show(page, **look)
        if fragment:
            self.browser.value(f"location.hash = '{fragment}'; window.before = true; 0")
            self.browser.call("Page.reload")
            self.browser.wait("window.before === undefined && document.readyState === 'complete'")
        return self

    def choose(self, name: str, *paths: Path) -> "Reader":
        choice = f"document.querySelector('#{name}')"
        came = "() => { window.came = true; }, { once: true }"
        self.browser.value(f"window.came = false; {choice}.addEventListener('change', {came}); 0")
        give(self.browser, name, *paths)
        self.browser.wait("window.came")
        self.browser.value("new Promise((end) => setTimeout(end, 60))")
        return self

    def trust(self, policy: bytes = POLICY, roots: bytes = PINNED) -> "Reader":
        return self.hand("policy", policy).hand("roots", roots)

    def hand(self, name: str, data: bytes) -> "Reader":
        """Choose a new file with these bytes."""
        self.handed += 1  # to choose the same file again is no change
        path = self.folder / f"{name}-{self.handed}.json"
        path.write_bytes(data)
        return self.choose(name, path)

    def drop(self, *paths: Path) -> "Reader":
        """Drag files and folders onto the page."""
        data = {"items": [], "files": list(map(str, paths)), "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.browser.call("Input.dispatchDragEvent", type=kind, x=200, y=200, data=data)
        self.browser.value("new Promise((end) => setTimeout(end, 300))")
        return self

    def paste(self, words: str) -> "Reader":
        self.browser.value(f"document.querySelector('#pinned').value = {json.dumps(words)}; 0")
        return self

    def check(self) -> str:
        """Press the button; give the kind of the verdict and its code."""
        self.browser.value("document.querySelector('#result').replaceChildren(); 0")
        self.browser.value("document.querySelector('button.main').click(); 0")
        self.browser.wait("document.querySelector('#verdict') !== null")
        return self.verdict()

    def verdict(self) -> str:
        """Give the kind of the verdict that is shown, and its code."""
        verdict = "document.querySelector('#verdict')"
        return str(self.browser.value(f"{verdict}.className.split(' ')[1] + ' ' + {verdict}.dataset.code")).strip()

    def says(self, selector: str = "#result") -> str:
        return " ".join(str(self.browser.value(f"document.querySelector('{selector}').innerText")).split())


@pytest.fixture
def reader(browser: Browser, tmp_path: Path) -> Reader:
    return Reader(browser=browser, folder=tmp_path)


def test_a_folder_is_chosen_and_accepted_and_nothing_is_loaded(reader: Reader, tmp_path: Path) -> None:
    library = sound(tmp_path / "library")
    reader.open().choose("folder", library.folder).trust()
    assert reader.check() == "yes"
    said = reader.says()
    assert "may be used for the purposes it declares" in said
    assert "2 of 2 files, 11 bytes" in said
    assert "a trusted time for 3 of 3 events" in said
    assert library.lib in reader.browser.value("document.querySelector('#digests').textContent")
    for unchecked in (
        "nothing is remembered",
        "links",
        "RFC 3161",
        "datalib check",
        "monitors",
        "whether what was signed is true",
    ):
        assert unchecked.lower() in said.lower()
    assert reader.browser.requests() == [(tmp_path / "check.html").resolve().as_uri()]
    assert reader.browser.complaints() == []


@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz"])
def test_a_packed_library_is_chosen_and_accepted(reader: Reader, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"library.{suffix}"
    pack(sectoral(tmp_path / "made").folder, path)
    assert reader.open().choose("archive", path).trust().check() == "yes"
    said = reader.says()
    assert "The libraries it was made of: 2" in said
    assert "a browser leaves them out" not in said  # an archive says what is a link


def test_provenance_alone_is_checked_and_never_called_complete(reader: Reader, tmp_path: Path) -> None:
    library = sound(tmp_path / "library")
    for path in library.folder.glob("data/*"):
        path.unlink()
    assert reader.open().choose("folder", library.folder).trust().check() == "open"
    assert "0 of 2 files were read" in reader.says("#verdict")
    assert "The data files: none was read." in reader.says("#checks")


def test_data_that_was_changed_is_refused_with_code_and_remedy(reader: Reader, tmp_path: Path) -> None:
    library = sound(tmp_path / "library")
    library.path("data/a.txt").write_bytes(b"forged")
    assert reader.open().choose("folder", library.folder).trust().check() == "no E-FILE-DIGEST"
    assert text("E-FILE-DIGEST", "en") in reader.says("#verdict")
    assert "data/a.txt" in reader.says("#verdict")
    assert "maker" not in reader.says()  # nothing of what cannot be believed is shown


def test_what_is_barred_is_told_apart_from_what_is_broken(reader: Reader, tmp_path: Path) -> None:
    library = sound(tmp_path / "library")
    reader.open().choose("folder", library.folder).trust()
    reader.browser.value("document.querySelector('#purpose').value = 'train:faces'; 0")
    assert reader.check() == "no E-PURPOSE-REFUSED"
    assert "is what was signed, but it must not be used" in reader.says("#verdict")
    reader.browser.value("document.querySelector('#purpose').value = 'train:asr'; 0")
    assert reader.check() == "yes"
    reader.browser.value("document.querySelector('#optout').click(); 0")
    assert reader.check() == "open"
    assert "nobody asked for an attestation" in reader.says("#verdict")


def test_without_trust_nothing_is_decided(reader: Reader, tmp_path: Path) -> None:
    library = sound(tmp_path / "library")
    assert reader.open().check() == "open undecided.library"
    assert reader.choose("folder", library.folder).check() == "open undecided.trust"
    assert "datalib verify" in reader.says("#verdict")
    assert reader.trust(roots=b"{}").check() == "no E-SCHEMA"


def test_roots_of_the_site_are_believed_on_its_word_until_the_reader_pins_some(reader: Reader, tmp_path: Path) -> None:
    library, site = sound(tmp_path / "library"), SiteTrust(policy=POLICY, roots=PINNED)
    reader.open(site=site).choose("folder", library.folder)
    assert reader.check() == "open"
    assert "Trusted on this site's word" in reader.says("#verdict")
    assert "pinned" not in reader.says("#checks")
    assert sha256_hex(PINNED) in reader.browser.value("document.querySelector('#site').textContent")
    assert reader.paste(sha256_hex(PINNED)).check() == "yes"
    assert "word" not in reader.says("#verdict")
    assert "by the pinned root keys" in reader.says("#checks")
    assert reader.paste("0" * 64).check() == "open undecided.pin"
    assert reader.paste(PINNED.decode()).check() == "yes"
    stranger = canonical({"threshold": 1, "keys": [key("stranger").public.to_dict()]}).decode()
    assert reader.paste(stranger).check() == "no E-POLICY-SIG"


def test_another_library_than_the_catalogue_named_is_no_yes(reader: Reader, tmp_path: Path) -> None:
    library = sound(tmp_path / "library")
    reader.open(fragment=f"library={library.lib}&lang=kk")
    assert reader.says("h1") == sentences()["check.title"]["kk"]
    reader.browser.value("document.querySelector('button[data-lang=en]').click(); 0")
    reader.choose("folder", library.folder).trust()
    assert reader.check() == "yes"
    reader.browser.value(f"location.hash = 'library={'0' * 64}'; 0")
    assert reader.check() == "no"
    assert "This is not the library whose page sent you here" in reader.says("#verdict")


def test_a_catalogue_leads_to_the_check_of_each_library(reader: Reader, tmp_path: Path) -> None:
    """From the disk, under the strict policy of the site: its script stands in a file of its own."""
    library, site = sound(tmp_path / "library"), tmp_path / "site"
    trust = SiteTrust(policy=POLICY, roots=PINNED)
    build(site, library.folder, site=replace(SITE, trust=trust))
    reader.browser.show(site / "library" / library.lib / "kk.html")
    reader.browser.value("document.querySelector('#download a[href*=check]').click(); 0")
    reader.browser.wait("document.querySelector('#chosen') !== null && document.readyState === 'complete'")
    assert reader.says("h1") == sentences()["check.title"]["kk"]
    reader.browser.value("document.querySelector('button[data-lang=en]').click(); 0")
    assert reader.choose("archive", site / "library" / library.lib / "provenance.zip").check() == "open"
    assert "0 of 2 files were read" in reader.says("#verdict")
    assert "Trusted on this site's word" in reader.says("#verdict")
    assert reader.choose("folder", library.folder).paste(sha256_hex(PINNED)).check() == "yes"
    other = Library(folder=tmp_path / "other", name="other").genesis().attest().publish()
    assert reader.choose("folder", other.folder).check() == "no"
    assert "This is not the library whose page sent you here" in reader.says("#verdict")
    assert reader.browser.faults() == []
    assert reader.browser.complaints() == []


def test_a_state_file_of_the_command_line_is_held_against_it(reader: Reader, tmp_path: Path) -> None:
    library = sound(tmp_path / "library")
    seen = {library.lib: {"seq": 9, "id": "0" * 64, "heads": {}}}
    reader.open().choose("folder", library.folder).trust()
    state = canonical({"version": 1, "libraries": seen, "logs": {}})
    assert reader.hand("state", state).check() == "no E-HEAD-ROLLBACK"
    assert reader.hand("state", b"").check() == "no E-STATE-FILE"


def test_an_answer_is_dropped_when_what_was_asked_changes(reader: Reader, tmp_path: Path) -> None:
    good, bad = sound(tmp_path / "good"), sound(tmp_path / "bad")
    bad.path("data/a.txt").write_bytes(b"forged")
    assert reader.open().choose("folder", good.folder).trust().check() == "yes"
    reader.choose("folder", bad.folder)
    assert reader.browser.value("document.querySelector('#verdict') === null")
    assert reader.check() == "no E-FILE-DIGEST"
    reader.paste("x").browser.value(
        "document.querySelector('#pinned').dispatchEvent(new Event('input', {bubbles: true})); 0"
    )
    assert reader.browser.value("document.querySelector('#verdict') === null")
    # Two questions at once: only the last is answered.
    reader.paste("").choose("folder", good.folder).browser.value("document.querySelector('button.main').click(); 0")
    reader.browser.value("document.querySelector('#purpose').value = 'train:faces'; 0")
    assert reader.check() == "no E-PURPOSE-REFUSED"


OLD = "crypto.subtle.importKey = async () => { throw new DOMException('unknown', 'NotSupportedError'); }; 0"
INSECURE = "Object.defineProperty(crypto, 'subtle', { value: undefined }); 0"


@pytest.mark.parametrize(("kind", "code"), [(OLD, "undecided.algorithm"), (INSECURE, "undecided.crypto")])
def test_a_browser_that_cannot_verify_does_not_decide(reader: Reader, tmp_path: Path, kind: str, code: str) -> None:
    library = sound(tmp_path / "library")
    reader.open().choose("folder", library.folder).trust().browser.value(kind)
    assert reader.check() == f"open {code}"
    assert "datalib verify" in reader.says("#verdict")


def test_what_is_neither_a_library_nor_trust_is_told(reader: Reader, tmp_path: Path) -> None:
    other = tmp_path / "library.rar"
    other.write_bytes(b"Rar!")
    assert reader.open().choose("archive", other).verdict() == "open undecided.archive"


def test_time_stamps_are_not_covered_and_say_so(reader: Reader, tmp_path: Path) -> None:
    library = sound(tmp_path / "library")
    library.path(f"proofs/{library.lib}.tsr").write_bytes(b"token")
    authority = {"root": "AA==", "from": "2020-01-01T00:00:00Z", "until": "2040-01-01T00:00:00Z"}
    reader.open().choose("folder", library.folder).trust(sign_policy(draft_policy(tsa=[authority])))
    assert reader.check() == "open undecided.stamp"
    assert reader.trust().check() == "no E-FILE-STRAY"  # without an authority it has no place


def test_what_is_dropped_is_told_apart(reader: Reader, tmp_path: Path) -> None:
    library, policy, roots = sound(tmp_path / "library"), tmp_path / "whom.json", tmp_path / "pins.json"
    policy.write_bytes(POLICY)
    roots.write_bytes(PINNED)
    assert reader.open().drop(library.folder, policy, roots).check() == "yes"
    pack(library.folder, tmp_path / "library.zip")
    assert reader.open().drop(tmp_path / "library.zip").drop(policy, roots).check() == "yes"
    loose = sorted(library.folder.iterdir())  # what stands in the folder, dropped together
    assert reader.open().drop(*loose).drop(roots).drop(policy).check() == "yes"
    assert "2 of 2 files, 11 bytes" in reader.says()
    provenance = [path for path in loose if path.name != "data"]
    assert reader.open().drop(*provenance).drop(policy, roots).check() == "open"
    assert "0 of 2 files were read" in reader.says("#verdict")
    # Root keys among the files of a library are its maker's, not the reader's.
    assert reader.open().drop(*loose, policy, roots).check() == "open undecided.trust"
    assert reader.open().trust().drop(*loose, policy, roots).check() == "no E-FILE-UNLISTED"
    other = sound(tmp_path / "other")
    assert reader.open().drop(library.folder, other.folder).verdict() == "open undecided.several"


def test_folders_are_dropped_in_browsers_that_know_no_handles(reader: Reader, tmp_path: Path) -> None:
    """Over HTTP, where Chromium too reads folders through entries, as other browsers do everywhere."""
    library = sound(tmp_path / "library")
    reader.open()
    with served(tmp_path) as address:
        reader.browser.call("Page.navigate", url=f"{address}/check.html")
        reader.browser.wait("location.protocol === 'http:' && document.readyState === 'complete'")
        reader.browser.value("delete DataTransferItem.prototype.getAsFileSystemHandle; 0")
        assert reader.drop(library.folder).trust().check() == "yes"
    assert "2 of 2 files, 11 bytes" in reader.says()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback; give the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_language_is_switched_and_what_was_found_stays(reader: Reader, tmp_path: Path, lang: str) -> None:
    library = sound(tmp_path / "library")
    reader.open("ru" if lang == "en" else "en").choose("folder", library.folder).trust()
    assert reader.check() == "yes"
    reader.browser.value(f"document.querySelector('button[data-lang={lang}]').click(); 0")
    said = " ".join(sentences()["check.given"][lang].partition("{")[0].split())
    assert said in reader.says("#verdict")
    assert sentences()["check.title"][lang] in reader.says("h1")
    assert reader.browser.value("document.documentElement.lang") == lang
    assert reader.browser.value("document.querySelector('#review').checkVisibility()") == (lang != "en")
    assert reader.browser.faults() == []


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (320, True)])
def test_the_page_is_accessible_and_fits(reader: Reader, tmp_path: Path, width: int, dark: bool) -> None:
    library = sound(tmp_path / "library")
    reader.open("ru", SiteTrust(policy=POLICY, roots=PINNED), width=width, dark=dark)
    assert reader.browser.faults() == []
    assert reader.choose("folder", library.folder).check() == "open"
    assert reader.browser.faults() == []
    assert reader.browser.value("document.documentElement.scrollWidth <= window.innerWidth")
    assert reader.browser.value("document.activeElement.id") == "result"
    assert reader.browser.complaints() == []


def test_on_paper_the_answer_stands_alone(reader: Reader, tmp_path: Path) -> None:
    library = sound(tmp_path / "library")
    assert reader.open().choose("folder", library.folder).trust().check() == "yes"
    reader.browser.call("Emulation.setEmulatedMedia", media="print")
    assert not reader.browser.value("document.querySelector('form').checkVisibility()")
    assert reader.browser.value("document.querySelector('#verdict').checkVisibility()")
    reader.browser.paper(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")


def test_the_policy_of_the_page_lets_nothing_in(reader: Reader) -> None:
    reader.open().browser.value("""
        const script = document.createElement('script');
        try { script.textContent = 'window.ran = 1'; document.body.append(script); } catch { window.refused = 1; }
        const image = document.createElement('img');
        image.src = 'https://tracker.example/x.png';
        document.body.append(image);
        0
    """)
    assert reader.browser.value("window.ran === undefined")
    assert reader.browser.value("fetch('https://tracker.example/').then(() => 'came', () => 'refused')") == "refused"
    assert " ".join(reader.browser.complaints()).count("Content Security Policy") >= 2


def test_hostile_texts_are_texts(reader: Reader, tmp_path: Path) -> None:
    names = "".join(NASTY)
    library = Library(
        folder=tmp_path / "hostile", document={"title": names[:1900]}, block={"title": {"ru": names[:1900]}}
    )
    library.genesis().append(_claim(library, names), SCANNER).publish()
    reader.open("ru").choose("folder", library.folder).trust()
    assert reader.check() == "yes"
    seen = reader.says("#about")
    assert "[U+202E]" in seen
    assert (
        reader.browser.value("document.querySelectorAll('#result script, #result img, #result form, #result b').length")
        == 0
    )
    reader.browser.value("document.querySelector('#purpose').value = '<img src=x onerror=alert(1)>'; 0")
    assert reader.check() == "no E-PURPOSE-REFUSED"
    assert "<img src=x onerror=alert(1)>" in reader.says("#verdict")


def _claim(library: Library, names: str) -> Any:
    return Attest(**library.common(), by=SCANNER.party, claim=Claim(type="optout", result="pass", note=names[:1900]))


def test_an_archive_with_a_link_is_refused(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "library.zip"
    pack(sound(tmp_path / "library").folder, path)
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("data/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert reader.open().choose("archive", path).trust().check() == "no E-ARCHIVE-LINK"
