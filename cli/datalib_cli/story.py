"""What the demo plays with: works written for this project, on sites that say what they allow, on a real web server.

Each site has an address of its own on this machine (127.0.0.x), so each is an origin of its own.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One work: where it stands, what it says, what its page says about it."""

    path: str
    title: str
    text: str
    head: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def html(self) -> str:
        """The page as it is served."""
        return f"<!doctype html><title>{self.title}</title>{self.head}<p>{self.text}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One origin: its address, its name as a source (empty: nothing of it is taken), its site files, its works."""

    address: str
    name: str
    about: str
    robots: str | None
    tdmrep: str | None = None
    pages: tuple[Page, ...] = ()


SITES = (
    Site(
        address="127.0.0.2",
        name="Steppe school reader",
        about="a school's reader: asks nothing",
        robots="User-agent: *\nAllow: /\n",
        pages=(
            Page(
                path="/steppe.html", title="The steppe", text="In spring the steppe is red with tulips for eleven days."
            ),
            Page(
                path="/dombra.html",
                title="The dombra",
                text="Two strings are enough when the right hand knows the road.",
            ),
            Page(path="/river.html", title="The river", text="The river forgets every stone and remembers every bank."),
        ),
    ),
    Site(
        address="127.0.0.3",
        name="",
        about="a newspaper: no training, said in robots.txt",
        robots="User-agent: GPTBot\nDisallow: /\n\nUser-agent: *\nContent-Usage: train-ai=n\nAllow: /\n",
        pages=(
            Page(path="/news/1.html", title="Morning", text="The bridge opened at six; the first to cross was a dog."),
            Page(path="/news/2.html", title="Evening", text="Bread is two tenge dearer, and the queue is shorter."),
        ),
    ),
    Site(
        address="127.0.0.4",
        name="Gallery (its open pages)",
        about="a gallery: reserves text and data mining for one folder (TDMRep)",
        robots="User-agent: *\nAllow: /\n",
        tdmrep='[{"location": "/gallery/*", "tdm-reservation": 1}]\n',
        pages=(
            Page(path="/gallery/horse.html", title="Horse", text="A caption: horse at noon, oil on board."),
            Page(path="/about.html", title="About", text="The gallery is open from ten to six, closed on Mondays."),
        ),
    ),
    Site(
        address="127.0.0.5",
        name="Soup blog (its open pages)",
        about="a blog without robots.txt: one page says noai, one answer header does",
        robots=None,
        pages=(
            Page(path="/soup.html", title="Soup", text="Salt late, stir little."),
            Page(
                path="/letter.html",
                title="Letter",
                text="Dear machine, this letter is for people.",
                head='<meta name="robots" content="max-image-preview:large, NoAI">',
            ),
            Page(path="/map.html", title="Map", text="North is where the moss is.", headers={"X-Robots-Tag": "noai"}),
        ),
    ),
)


#: What the school's site says later: one of its authors has changed their mind.
SCHOOL = SITES[0].address
SCHOOL_LATER = "User-agent: *\nAllow: /\nContent-Usage: /river.html train-ai=n\n"


class Server(ThreadingHTTPServer):
    """The web server of one site; what its robots.txt says can change."""

    def __init__(self, site: Site) -> None:
        super().__init__((site.address, 0), _Handler)
        self.site = site
        self.robots = site.robots

    def answer(self, path: str) -> tuple[int, str, str, Mapping[str, str]]:
        """Give status, media type, body and further headers for a path."""
        if path == "/robots.txt" and self.robots is not None:
            return 200, "text/plain", self.robots, {}
        if path == "/.well-known/tdmrep.json" and self.site.tdmrep is not None:
            return 200, "application/json", self.site.tdmrep, {}
        for page in self.site.pages:
            if page.path == path:
                return 200, "text/html", page.html, page.headers
        return 404, "text/plain", "", {}


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        status, mediatype, body, headers = self.server.answer(urlsplit(self.path).path)
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{mediatype}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the demo tells its own story."""


@contextmanager
def served() -> Iterator[Mapping[str, Server]]:
    """Serve all sites; give the server of each address."""
    servers = {site.address: Server(site) for site in SITES}
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers.values()]
    for thread in threads:
        thread.start()
    try:
        yield servers
    finally:
        for server in servers.values():
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


def origin(server: Server) -> str:
    """Name the origin of a server, such as ``http://127.0.0.2:40001``."""
    return f"http://{server.site.address}:{server.server_port}"
