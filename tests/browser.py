"""A real browser for tests: Debian's Chromium without a window, spoken to over its DevTools protocol through two pipes.

No driver and no port are needed. Source: Chromium, ``--remote-debugging-pipe``: JSON messages, each ended by a NUL.
"""

import base64
import fcntl
import importlib.util
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

NAMES = ("chromium", "chromium-browser")
PATIENCE = 60.0  # seconds
ENDING = 5.0  # seconds; a process that nobody has waited for counts as one until then
#: WCAG 2.0 to 2.2, levels A and AA, and what axe-core calls good practice.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def executable() -> str | None:
    """Find the browser."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def axe_core() -> Path | None:
    """Find axe-core (Deque, MPL-2.0), which a Python package ships; its own driver is not needed."""
    spec = importlib.util.find_spec("axe_playwright_python")
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) / "axe.min.js" if places else None


class ProtocolError(AssertionError):
    """A command that the browser did not carry out."""


@dataclass(kw_only=True)
class Browser:
    """A running browser with one page. ``events``: what it told besides its answers."""

    commands: BinaryIO
    answers: int
    session: str = ""
    number: int = 0
    told: bytes = b""
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def call(self, method: str, **params: Any) -> Any:
        """Give a command and wait for its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while True:
            told = self._read()
            if told.get("id") == self.number:
                if "error" in told:
                    raise ProtocolError(f"{method}: {told['error']}")
                return told["result"]
            self.events.append(told)

    def _read(self) -> Mapping[str, Any]:
        while b"\0" not in self.told:
            assert select.select([self.answers], [], [], PATIENCE)[0], "the browser does not answer"
            piece = os.read(self.answers, 1 << 20)
            assert piece, "the browser is gone"
            self.told += piece
        message, _, self.told = self.told.partition(b"\0")
        told: Mapping[str, Any] = json.loads(message)
        return told

    def show(self, path: Path, *, width: int = 1200, dark: bool = False, media: str = "", fragment: str = "") -> None:
        """Open a file, at a fragment, in a window of a width, light or dark, on the screen or as on paper."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri() + fragment)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def value(self, script: str) -> Any:
        """Evaluate a script in the page; a promise is waited for."""
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def wait(self, script: str) -> None:
        """Wait until something is so in the page; a page that is left meanwhile gives no answer."""
        end = time.monotonic() + PATIENCE
        while True:
            with suppress(ProtocolError):
                if self.value(f"Boolean({script})"):
                    return
            assert time.monotonic() < end, script
            time.sleep(0.02)  # the browser needs the processor more than this question

    def faults(self) -> list[str]:
        """Let axe-core look at the page; give what it found, a line each."""
        axe = axe_core()
        assert axe is not None
        self.value(axe.read_text(encoding="utf-8") + ";0")
        # With ``preload`` axe asks for the styles of the page, which a strict policy forbids and the browser logs.
        options = json.dumps(
            {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"], "preload": False}
        )
        found = self.value(f"axe.run(document, {options}).then(found => found.violations)")
        return [
            f"{one['id']}: {node['html'][:120]}: {node['failureSummary']}" for one in found for node in one["nodes"]
        ]

    def picture(self, clip: Mapping[str, float]) -> bytes:
        """Take a picture (PNG) of a part of the page: ``x``, ``y``, ``width``, ``height``, ``scale``."""
        self.call("Page.bringToFront")  # a page behind another may never be painted
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(taken["data"])

    def paper(self, target: Path) -> None:
        """Print the page into a PDF."""
        printed = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        target.write_bytes(base64.b64decode(printed["data"]))

    def requests(self) -> list[str]:
        """Name what the page shown last has asked for."""
        sent = (event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent")
        return [params["request"]["url"] for params in sent]

    def complaints(self) -> list[str]:
        """Give what the browser logged about the page shown last, such as breaches of its content security policy."""
        return [event["params"]["entry"]["text"] for event in self.events if event.get("method") == "Log.entryAdded"]


@contextmanager
def browsing(program: str) -> Iterator[Browser]:
    """Run the browser with a profile of its own, and end it."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # 3 and 4 are where the browser looks; numbers far from them cannot be in each other's way.
    given = [fcntl.fcntl(number, fcntl.F_DUPFD, 20) for number in (theirs_in, theirs_out)]
    for number in (theirs_in, theirs_out):
        os.close(number)
    with tempfile.TemporaryDirectory(prefix="datalib-browser-") as profile:
        options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
        redirected = f'exec "$@" 3<&{given[0]} 4>&{given[1]} {given[0]}<&- {given[1]}>&-'
        process = subprocess.Popen(
            ["/bin/bash", "-c", redirected, "-", program, *options, f"--user-data-dir={profile}",
             "--remote-debugging-pipe", "about:blank"],
            env={**os.environ, "TMPDIR": profile},  # what it leaves there when it is killed goes with its profile
            pass_fds=given, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        for number in given:
            os.close(number)
        try:
            with os.fdopen(ours_out, "wb") as commands:
                yield _ready(Browser(commands=commands, answers=ours_in))
        finally:
            os.close(ours_in)
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the browser and all its processes, which would go on writing into its profile; that is thrown away."""
    end = time.monotonic() + ENDING
    with suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            time.sleep(0.005)  # they end when the kernel comes to it


def _ready(browser: Browser) -> Browser:
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Network", "Log"):
        browser.call(f"{domain}.enable")
    return browser
