"""`make site` in a real browser without a network: every link leads somewhere, nothing scrolls sideways or fails."""

import html.parser
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from support.browser import BROWSER, Browser, browsing

pytestmark = pytest.mark.slow

SIZES = ((1366, 768), (390, 844))
SEARCH = """new Promise(async done => {
  document.querySelector("[data-md-toggle=search]").click()
  const query = document.querySelector("[data-md-component=search-query]")
  query.focus()
  await new Promise(ready => setTimeout(ready, 300))
  query.value = "temperature"
  query.dispatchEvent(new Event("keyup", {bubbles: true}))
  query.dispatchEvent(new Event("input", {bubbles: true}))
  for (let tries = 0; tries < 40 && !document.querySelector(".md-search-result__link"); tries++)
    await new Promise(ready => setTimeout(ready, 250))
  done(document.querySelectorAll(".md-search-result__link").length)
})"""


@pytest.fixture(scope="module")
def site(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the committed runs."""
    if not (repo / ".venv-site/.installed").exists():
        pytest.skip("NOT TESTED: needs the site's environment (make .venv-site/.installed)")
    folder = tmp_path_factory.mktemp("made")
    places = [f"PAGES={folder / 'pages'}", f"SITE={folder / 'site'}", "REPOSITORY=https://host.invalid/blob/main"]
    done = subprocess.run(["make", "site", *places], cwd=repo, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; a test that has none is skipped."""
    if BROWSER is None:
        pytest.skip("NOT TESTED: needs a browser (Debian: apt install chromium)")
    with browsing() as opened:
        yield opened


class Page(html.parser.HTMLParser):
    """A page's links and what they can lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element links to and is called."""
        for key, value in attrs:
            if value and key == "id":
                self.ids.add(value)
            if value and key in ("href", "src"):
                self.links.append(value)


def test_every_link_leads_somewhere(site: Path) -> None:
    pages = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 150
    lost, count = [], 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                assert parts.scheme in ("https", "http", "data", "mailto"), link
                continue
            count += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = target.is_file() and (
                not parts.fragment or target.name == "explore.html" or unquote(parts.fragment) in pages[target].ids
            )
            lost += [] if there else [f"{path.relative_to(site)}: {link}"]
    assert count > 5000
    assert lost == []


def shown(site: Path) -> list[str]:
    """The pages to open: all but the claims', and of those ten; each picture of a study with curves and noise."""
    claims = sorted(site.glob("claims/*.html"))
    others = [path for path in sorted(site.rglob("*.html")) if path.parent.name != "claims" and path.name != "404.html"]
    pictures = [f"explore.html#study=esc50&picture={one}" for one in ("accuracy", "curves", "noise", "confusion")]
    return [path.relative_to(site).as_posix() for path in (*others, *claims[:: len(claims) // 10])] + pictures


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_nothing_fails_or_scrolls_sideways(site: Path, browser: Browser, size: tuple[int, int]) -> None:
    pages = shown(site)
    assert {"index.html", "listen.html", "docs/data.html", "results/esc10/index.html", "api/losses.html"} < set(pages)
    for page in pages:
        browser.open(f"{site.as_uri()}/{page}", size, dark=size[0] < 600)
        wide = browser.value("document.documentElement.scrollWidth - innerWidth")
        assert (wide <= 0, browser.errors) == (True, []), page
        if "picture=" in page:
            assert browser.value("document.querySelectorAll('#plot .main-svg').length") > 0, page
            assert browser.value("document.querySelectorAll('#body tr').length") >= 15, page


def test_the_search_works_from_a_file(site: Path, browser: Browser) -> None:
    browser.open(f"{site.as_uri()}/docs/data.html")
    assert browser.value(SEARCH) > 5
    assert browser.errors == []


def test_a_claim_is_reached_with_the_keyboard(site: Path, browser: Browser) -> None:
    """The tabulator comes to the first claim's link, and Enter opens its page."""
    browser.open(f"{site.as_uri()}/index.html")
    for _ in range(40):
        for kind in ("keyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        if "/claims/" in (browser.value("document.activeElement.href") or ""):
            break
    else:
        pytest.fail("no claim has the focus after 40 steps")
    wanted = browser.value("document.activeElement.href")
    assert browser.value("getComputedStyle(document.activeElement).outlineStyle") != "none"
    for kind in ("keyDown", "keyUp"):
        keys = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        browser.call("Input.dispatchKeyEvent", type=kind, **keys)
    browser.value("new Promise(done => setTimeout(done, 1500))")
    assert browser.value("location.href") == wanted
