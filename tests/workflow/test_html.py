"""The HTML report in a real browser without a network: it shows the artefacts, and its console stays silent."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.projects import run_in

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`snakemake --report` of the demo."""
    file = tmp_path_factory.mktemp("html") / "report.html"
    run_in(demo, "snakemake", "--cores", "1", "--config", "study=demo", "--report", str(file))
    return file


def test_the_page_holds_every_artefact_with_its_caption(demo: Path, page: Path) -> None:
    text = page.read_text()
    shown = [path.name for path in [*demo.glob("results/demo/tables/*.html"), *demo.glob("figures/demo/*.png")]]
    assert len(shown) > 15
    assert [name for name in shown if name not in text] == []
    assert "Held-out accuracy" in text
    assert "max-height: calc(100vh" in text  # a figure fits into the window
    assert "@media (max-width: 640px)" in text  # the menu lies above the text on a phone


@pytest.mark.skipif(BROWSER is None, reason="NOT TESTED: needs a browser (Debian: apt install chromium)")
def test_it_renders_without_network_and_without_a_console_error(page: Path, tmp_path: Path) -> None:
    assert BROWSER is not None
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path}", "--enable-logging=stderr"]
    command += ["--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0
    assert "Begin with The paper's claims, under Claims." in done.stdout  # the front page
    for heading in ("Claims", "Tables", "Figures of the SoundCLR paper", "Further figures", "Provenance"):
        assert heading in done.stdout, heading
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert [line for line in said if re.search(r"error|uncaught|failed|refused|denied", line, re.IGNORECASE)] == []
