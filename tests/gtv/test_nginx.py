"""Tests of the console's files as nginx serves them: headers, and the page for every view of the console."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.fixtures import needs

from servers import Nginx, ServerRunner, free_port
from servers.nginx import version_of

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "nginx/nginx.conf.template"
PAGE = '<!doctype html><title>GT-Vision</title><script type="module" src="/app/@VERSION@/shell/main.js"></script>'
FOR_EVER = "public, max-age=31536000, immutable"
BIG = "export const x = 1;\n" * 500
CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self' wss:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Served:
    """A running nginx."""

    url: str
    log: Path
    console: Path

    @property
    def version(self) -> str:
        return version_of(self.console)

    @property
    def page(self) -> str:
        return PAGE.replace("@VERSION@", self.version)

    def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Returns the answer to exactly this path, which httpx would normalise."""
        request = httpx.Request(method, self.url, headers=headers)
        request.url = request.url.copy_with(raw_path=path.encode())
        with httpx.Client(trust_env=False, timeout=120) as client:
            return client.send(request)


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    needs.program("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    console = folder / "console"
    (console / "vendor").mkdir(parents=True)
    (console / "index.html").write_text(PAGE)
    (console / "main.js").write_text(BIG)
    (console / "style.css").write_text("a{}" * 1000)
    (console / "shell").mkdir()
    (console / "shell/main.js").write_text(BIG)
    (console / "icon.svg").write_text("<svg/>" * 500)
    (console / "vendor/hls-1.7.0.light.min.mjs").write_text(BIG)
    (console / "vendor/app.0a1b2c3d.js").write_text("export {}")
    (console / ".hidden.js").write_text("secret")
    (folder / "secret.txt").write_text("secret")
    nginx = Nginx("nginx", folder / "run", free_port(), template=TEMPLATE, console=console)
    async with ServerRunner(folder) as runner:
        await runner.start([nginx])
        yield Served(nginx.url, folder / "nginx.log", console)


@pytest.mark.media
class TestNginx:
    @pytest.mark.parametrize("path", ["/", "/main.js", "/missing.js", "/cameras/1"])
    def test_every_answer_has_the_headers(self, served: Served, path: str) -> None:
        answer = served.get(path)
        for name, value in HEADERS.items():
            assert answer.headers.get_list(name) == [value]

    @pytest.mark.parametrize("path", ["/", "/cameras", "/cameras/1", "/vendor", "/vendor/", "/index.html"])
    def test_a_place_in_the_console_is_the_page(self, served: Served, path: str) -> None:
        answer = served.get(path)
        assert (answer.status_code, answer.text) == (200, served.page)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"

    @pytest.mark.parametrize("path", ["/main.js", "/vendor/hls-1.7.0.light.min.mjs"])
    def test_modules_have_the_type_that_browsers_insist_on(self, served: Served, path: str) -> None:
        assert served.get(path).headers["content-type"].partition(";")[0] == "text/javascript"

    @pytest.mark.parametrize("path", ["/vendor/hls-1.7.0.light.min.mjs", "/vendor/app.0a1b2c3d.js"])
    def test_what_has_a_version_in_its_name_is_kept_for_ever(self, served: Served, path: str) -> None:
        first = served.get(path)
        assert first.headers["cache-control"] == FOR_EVER
        assert served.get(path, **{"if-none-match": first.headers["etag"]}).status_code == 304

    def test_the_page_names_the_present_version_whose_files_are_kept_for_ever(self, served: Served) -> None:
        assert f"/app/{served.version}/shell/main.js" in served.get("/").text
        answer = served.get(f"/app/{served.version}/shell/main.js")
        assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (200, BIG, FOR_EVER)
        assert answer.headers["content-type"].partition(";")[0] == "text/javascript"
        for name, value in HEADERS.items():
            assert answer.headers.get_list(name) == [value]

    def test_an_open_page_of_the_version_before_still_finds_its_files(self, served: Served) -> None:
        answer = served.get("/app/0123456789ab/shell/main.js")
        assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (200, BIG, "no-cache")

    @pytest.mark.parametrize("path", ["shell/none.js", ".hidden.js", "../secret.txt", "%2e%2e/%2e%2e/secret.txt", "..%2f..%2fsecret.txt"])
    def test_what_the_versions_folder_lacks_is_nothing_and_not_kept(self, served: Served, path: str) -> None:
        answer = served.get(f"/app/{served.version}/{path}")
        assert answer.status_code in {400, 404}
        assert "secret" not in answer.text
        assert answer.headers["cache-control"] == "no-cache"

    def test_everything_else_is_asked_for_again_and_costs_a_304(self, served: Served) -> None:
        first = served.get("/main.js")
        assert first.headers["cache-control"] == "no-cache"
        again = served.get("/main.js", **{"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"] == "no-cache"

    @pytest.mark.parametrize(
        "path",
        [
            *("/missing.js", "/vendor/hls-9.9.9.js", "/.hidden.js", "/.git/config", "/../secret.txt", "/%2e%2e/secret.txt"),
            *("/..%2fsecret.txt", "/vendor/../../secret.txt", "/index.html/x.js"),
        ],
    )
    def test_a_file_that_is_not_there_is_nothing(self, served: Served, path: str) -> None:
        answer = served.get(path)
        assert answer.status_code in {400, 404}
        assert "secret" not in answer.text
        assert "nginx" not in answer.text
        assert answer.headers["cache-control"] == "no-cache"

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_nothing_can_be_written(self, served: Served, method: str) -> None:
        assert served.get("/main.js", method).status_code == 405
        assert served.get("/", method).status_code == 405

    def test_says_that_it_lives(self, served: Served) -> None:
        assert (served.get("/health/live").status_code, served.get("/health/live").text) == (200, "live\n")

    def test_the_log_knows_no_query(self, served: Served) -> None:
        for path in ("/?ticket=SECRET", "/main.js?ticket=SECRET", "/missing.js?ticket=SECRET", "/.hidden?ticket=SECRET"):
            served.get(path)
        assert "SECRET" not in served.log.read_text()

    @pytest.mark.parametrize("path", ["/main.js", "/style.css", "/vendor/hls-1.7.0.light.min.mjs", "/icon.svg"])
    def test_compresses_text_and_hides_its_version(self, served: Served, path: str) -> None:
        answer = served.get(path, **{"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.text == (served.console / path[1:]).read_text()
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert answer.headers["server"] == "nginx"


@pytest.mark.media
async def test_a_new_start_serves_what_was_edited(tmp_path: Path) -> None:
    needs.program("nginx")
    console = tmp_path / "console"
    console.mkdir()
    (console / "index.html").write_text(PAGE)
    (console / "main.js").write_text("1")
    for content in ("1", "2"):
        (console / "main.js").write_text(content)
        nginx = Nginx("nginx", tmp_path / "run", free_port(), template=TEMPLATE, console=console)
        async with ServerRunner(tmp_path) as runner:
            await runner.start([nginx])
            served = Served(nginx.url, tmp_path / "nginx.log", console)
            assert served.get("/").text == served.page
            answer = served.get(f"/app/{served.version}/main.js")
            assert (answer.text, answer.headers["cache-control"]) == (content, FOR_EVER)


def test_the_version_changes_with_names_and_contents(tmp_path: Path) -> None:
    seen = set()
    for change in (
        lambda: (tmp_path / "a.js").write_text("1"),
        lambda: (tmp_path / "a.js").write_text("2"),
        lambda: (tmp_path / "a.js").rename(tmp_path / "b.js"),
        (tmp_path / "c.js").touch,
    ):
        change()
        assert version_of(tmp_path) == version_of(tmp_path)
        seen.add(version_of(tmp_path))
    assert len(seen) == 4
    assert all(len(version) == 12 and set(version) <= set("0123456789abcdef") for version in seen)


def test_locations_add_no_header_of_their_own() -> None:
    """A header of a location would replace all headers of the server there."""
    text = TEMPLATE.read_text()
    server = text[text.index("server {") :]
    assert "add_header" not in server[server.index("location = ") :]
