"""Everything that MkDocs makes the site of: the generated pages, the documentation, the figures, and its settings."""

import importlib.resources
import itertools
import math
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import yaml

from soundclr import __version__
from soundclr.errors import UserError
from soundclr.machine.files import write_text
from soundclr.machine.provenance import git_state
from soundclr.params import Params
from soundclr.report.claims.claim import read_claims
from soundclr.report.claims.forest import is_drawn
from soundclr.report.claims.table import decimals, ratio
from soundclr.report.claims.tier import beside_paper
from soundclr.report.collect import Collection, collect
from soundclr.report.evidence import train_command
from soundclr.report.papers import PAPERS
from soundclr.report.site import explore, listen
from soundclr.report.site.claims import MOST, Asked, asked_of, rows_of
from soundclr.report.site.links import as_page, heading_of
from soundclr.report.table import signed

WIDE = "---\nhide: [navigation, toc]\n---\n\n"
"""The head of pages with wide tables."""

IN_SHORT = "network", "image", "epochs", "augmentation"
"""The words of :func:`soundclr.report.claims.tier.changed_words` for what ``beside_paper`` has numbers of."""

HERE = importlib.resources.files("soundclr.report.site")

DECIDED = "holds", "does-not-hold"

COUNTS = {
    "holds": "hold here",
    "does-not-hold": "do not hold here",
    "undecided": "undecided here",
    "not-whole": "not tested yet",
    "no-verdict": "without a test",
}


@dataclass(frozen=True)
class Site:
    """Where the site's parts come from, where its pages go, and the files that are pages: path on the site to file."""

    params: Params
    results: Path
    figures: Path
    root: Path
    into: Path
    repository: str

    @property
    def pages(self) -> Path:
        """The folder of the pages."""
        return self.into / "pages"

    @property
    def studies(self) -> list[str]:
        """The studies that have a report, registered ones first."""
        its = [name for name in self.params.studies if (self.results / name / "tables").is_dir()]
        return sorted(its, key=lambda name: self.params.studies[name].registered is None)

    def files(self) -> dict[str, Path]:
        """Markdown and figures of the repository, by their paths on the site, which are those in the repository."""
        paths = [*sorted(self.root.glob("docs/*.md")), *sorted(self.root.glob("docs/*.png"))]
        paths += [path for name in ("CONTRIBUTING.md", "CHANGELOG.md") if (path := self.root / name).is_file()]
        found = {path.relative_to(self.root).as_posix(): path for path in paths}
        for study in (*self.studies, "benchmark"):
            if (page := self.results / study / "README.md").is_file():
                found[f"results/{study}/README.md"] = page
            found |= {f"figures/{study}/{path.name}": path for path in sorted((self.figures / study).glob("*.png"))}
        return found


def build(site: Site) -> list[Asked]:
    """Write all that MkDocs needs below the site's folder; the rows of the front page.

    Raises UserError where a table of claims is not what the runs give.
    """
    hooks = site.into / "hooks.py"  # the first file of a site
    if site.pages.exists() and not hooks.exists():
        raise UserError(f"{site.pages}: is there, and no earlier site's; name another folder")
    shutil.rmtree(site.pages, ignore_errors=True)
    site.pages.mkdir(parents=True)
    write_text(hooks, (HERE / "hooks.py").read_text(encoding="utf-8"))
    files = site.files()
    for place, file in files.items():
        if file.suffix == ".md":
            text = as_page(file.read_text(encoding="utf-8"), place, files, site.repository)
            write(site, place, (WIDE if place.startswith("results") else "") + text)
        else:
            (site.pages / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, site.pages / place)
    collections = {study: collect(site.params, study, site.results) for study in site.studies}
    rows = write_claims(site, collections, files)
    write_runs(site, list(collections.values()))
    for asset in (HERE / "assets").iterdir():
        write(site, f"assets/{asset.name}", asset.read_text(encoding="utf-8"))
    write_settings(site, site.into / "mkdocs.yml", write_api(site))
    return rows


def write(site: Site, place: str, text: str) -> None:
    """Write a page or what it loads."""
    (site.pages / place).parent.mkdir(parents=True, exist_ok=True)
    write_text(site.pages / place, text)


def render(template: str, **values: Any) -> str:
    """A page from its template."""
    loader = jinja2.PackageLoader("soundclr.report.site")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.globals |= {
        "signed": signed,
        "decimals": decimals,
        "isnan": math.isnan,
        "p": lambda value: "< 0.0001" if value < 0.0001 else f"{value:.4f}",
        "ratio": ratio,
        "infinity": math.inf,
        "most_seeds": f"{MOST:,}",
        "is_drawn": is_drawn,
    }
    return environment.get_template(template).render(**values)


def write_claims(site: Site, collections: Mapping[str, Collection], files: Mapping[str, Path]) -> list[Asked]:
    """The front page, the page of all rows, and a page for each."""
    every = {study: asked_of(one, site.results / study / "tables") for study, one in collections.items()}
    papers, shown = [], []
    for name in reversed(PAPERS):
        paper = read_claims(name)
        its = [one for study, found in every.items() if site.params.studies[study].paper == name for one in found]
        rows = list(rows_of(name, paper, its))
        shown += rows
        drawn = with_scales(rows)
        first = [one for one in drawn if one[0].claim.id in paper.headlines or one[0].outcome in DECIDED]
        more = [one for one in drawn if one not in first]
        texts = {"citation": paper.citation, "caveat": paper.caveat, "reduced": reduced(rows)}
        papers.append({"name": name, **texts, "first": first, "more": more})
    number = Counter(one.outcome for one in shown)
    counts = [(outcome, words, number[outcome]) for outcome, words in COUNTS.items()]
    total = sum(len(read_claims(name).claims) for name in PAPERS)
    write(site, "index.md", render("index.md", papers=papers, counts=counts, total=total, answer=answer(shown)))
    write(
        site, "claims/index.md", render("claims.md", studies={s: with_scales(its) for s, its in every.items() if its})
    )
    for one in {one.stem: one for one in itertools.chain(shown, *every.values())}.values():
        figure = f"figures/{one.study}/forest-{one.finding.dataset}.png"
        text = render("claim.md", one=one, figure=figure if figure in files else "", command=train_command)
        write(site, f"claims/{one.stem}.md", text)
    return shown


def with_scales(rows: Sequence[Asked]) -> list[tuple[Asked, list[float]]]:
    """Each row with the ends of its picture's scale, which rows of one unit share."""
    ends: dict[str, list[float]] = {}
    for one in rows:
        ends.setdefault(one.unit, []).extend(one.ends)
    return [(one, ends[one.unit]) for one in rows]


def answer(rows: Sequence[Asked]) -> str:
    """What the rows of the claim that is a paper's ``question`` say: the verdict, and how far a side is above or below.

    As in ``Yes, here: a is 2.75 points above b on ESC-50.``
    """
    known = {"holds": "Yes, here", "does-not-hold": "No, not here"}
    starts, differences = set(), []
    for one in rows:
        if one.claim.id == one.paper.question and one.has_numbers and one.finding.estimate:
            starts.add(known.get(one.outcome, "Not decided here"))
            value, sides = one.finding.estimate.value, one.finding.sides
            (others,) = sides.others.values()
            place = f"{abs(value):.2f} points {'below' if value < 0 else 'above'} {one.side(others)}"
            differences.append(f"{one.side(sides.ahead)} is {place} on {one.data}")
    if not differences:
        return "Not tested yet."
    return f"{starts.pop() if len(starts) == 1 else 'Not decided here'}: {' and '.join(differences)}."


def reduced(rows: Sequence[Asked]) -> list[str]:
    """What is less than the paper's, by data, and below them what differs in some rows, without the numbers."""
    found: dict[str, dict[str, None]] = {}
    for one in rows:
        if one.collection and one.has_numbers:
            text = beside_paper(one.collection.params, one.study, one.finding.dataset, one.paper)
            found.setdefault(text, {})[one.data] = None
    every = [what.partition(" (")[0] for one in rows for what in one.finding.reduced]
    further = [what for what in dict.fromkeys(every) if what not in IN_SHORT]
    return [f"{', '.join(data)}: {text}" for text, data in found.items()] + (
        [f"In some rows{' also' if found else ''}: {', '.join(further)}"] if further else []
    )


def write_runs(site: Site, collections: Sequence[Collection]) -> None:
    """The pages of runs and of sounds, and the runs' data."""
    having = sorted((one for one in collections if one.results), key=lambda one: -len(one.results))
    for collection in having:
        write(site, f"assets/explore/{collection.study}.js", explore.script(collection))
    studies = [(one.study, site.params.studies[one.study].title) for one in having]
    write(site, "explore.md", render("explore.md", studies=studies))
    write(site, "listen.md", render("listen.md", **listen.page_of(having, site.root / "data", site.pages)))


def write_api(site: Site) -> list[str]:
    """A page for each module and package of the source; their places."""
    places = []
    for path in sorted((site.root / "src" / "soundclr").glob("[!_]*")):
        if path.suffix == ".py" or (path / "__init__.py").is_file():
            write(site, f"api/{path.stem}.md", f"# soundclr.{path.stem}\n\n::: soundclr.{path.stem}\n")
            places.append(f"api/{path.stem}.md")
    return places


def write_settings(site: Site, path: Path, api: Sequence[str]) -> None:
    """mkdocs.yml: the pages in their order, where the sources are, and the version that each page names."""
    settings = yaml.safe_load((HERE / "mkdocs.yml").read_text(encoding="utf-8"))
    docs = [place for place in site.files() if place.endswith(".md") and not place.startswith("results")]
    studies = [place for place in site.files() if place.startswith("results") and place.endswith(".md")]
    settings["nav"] = [
        {"Claims": "index.md"},
        {"Explore": "explore.md"},
        {"Listen": "listen.md"},
        {"Studies": [{Path(place).parent.name: place} for place in studies]},
        {"Documentation": [{heading_of((site.pages / place).read_text()) or place: place} for place in docs]},
        {"API": [{f"soundclr.{Path(place).stem}": place} for place in api]},
    ]
    commit = str(git_state()["git_commit"] or "unknown")[:10]
    settings["copyright"] = f"soundclr {__version__}, commit {commit}; made from its committed runs"
    for plugin in settings["plugins"]:
        if isinstance(plugin, dict) and "mkdocstrings" in plugin:
            plugin["mkdocstrings"]["handlers"]["python"]["paths"] = [str((site.root / "src").resolve())]
    write_text(path, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
