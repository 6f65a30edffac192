"""The site behind a real nginx, with the server block of the handbook: the types and headers of our own server."""

import http.client
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from datalib.library.store import Folder
from datalib.site_server import serve_site
from tests.catalogues import SITE, build, shelf
from tests.docs import ROOT
from tests.nginx import MISSING, free_port, nginx

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(MISSING, reason="nginx is not installed"),
]
SAME = ("Content-Type", "Content-Security-Policy", "X-Content-Type-Options")


def block(site: Path, port: int) -> str:
    """Take the server block from the handbook of agencies."""
    page = (ROOT / "docs" / "agencies.md").read_text(encoding="utf-8")
    found = page.split("```nginx\n")[1].split("```")[0]
    kept = [line for line in found.splitlines() if not line.strip().startswith(("ssl_", "server_name"))]
    return "\n".join(kept).replace("listen 443 ssl;", f"listen 127.0.0.1:{port};").replace("/srv/site", str(site))


def get(port: int, path: str) -> tuple[int, dict[str, str | None], bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, {name: answer.headers[name] for name in SAME}, answer.read()


def test_nginx_serves_the_site_as_our_server_does(tmp_path: Path) -> None:
    site = tmp_path / "site"
    build(site, shelf(tmp_path / "libraries").folder, site=SITE)
    files = [f"/{path.relative_to(site)}" for path in sorted(site.rglob("*")) if path.is_file()]
    assert len({Path(name).suffix for name in files}) >= 9
    port = free_port()
    with Folder(site) as folder, serve_site(folder, "127.0.0.1", 0) as server, nginx(tmp_path / "n", block(site, port)):
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        for name in ("/", "/ru/", *files):
            ours, theirs = get(server.server_address[1], name), get(port, name)
            assert theirs == ours, name
            assert ours[0] == 200
        server.shutdown()
        thread.join()
