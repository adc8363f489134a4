"""What the README and docs/ say is what the repository has."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from soundclr.method import load_checked
from soundclr.params import read_params
from soundclr.run.runs import expand

# Each command that they show, and the test that runs it or, where none does, why.
RUN = {
    "make demo": "tests/workflow/test_demo.py::test_accuracy_is_far_above_chance",
    "make report": "tests/workflow/test_reviewer.py::test_committed_results_are_what_their_runs_give",
    "make report STUDY=esc10": "tests/workflow/test_reviewer.py::test_clone_regenerates_everything",
    "snakemake --cores all --config study=own": (
        "tests/workflow/test_own_study.py::test_a_folder_is_all_it_needs_and_few_clips_are_warned_of"
    ),
    "soundclr classify": "tests/test_classify.py::",
    "soundclr show": "tests/test_show.py::test_it_writes_a_picture",
    "soundclr plan --study paper": "tests/test_plan.py::",
    "soundclr status": "tests/status/test_status.py::",
    "snakemake --cores all --resources gpu=4 --config study=paper": "tests/workflow/test_jobs.py::test_number_of_jobs",
    "snakemake --cores all --config study=paper": "tests/workflow/test_jobs.py::test_number_of_jobs",
    "snakemake --workflow-profile profiles/slurm": "tests/slurm/",
    "dvc repro": "tests/workflow/test_dvc.py::test_repro_retrains_the_changed_recipe_only",
    "dvc metrics show": "tests/workflow/test_dvc.py::",
    "dvc plots show": "tests/workflow/test_dvc.py::",
    "assets=": "tests/workflow/test_dvc.py::test_the_plots_page_without_a_network",
    "for name in vega vega-lite vega-embed": "tests/workflow/test_dvc.py::test_the_plots_page_without_a_network",
    'echo "{plot_divs}"': "tests/workflow/test_dvc.py::test_the_plots_page_without_a_network",
    "dvc push": "tests/workflow/test_dvc.py::test_a_second_clone_pulls_and_trains_nothing",
    "dvc remote add --default lab ../soundclr-dvc": "tests/workflow/test_dvc.py::",
    "snakemake --workflow-profile profiles/lsf": "tests/test_profiles.py::test_snakemake_plans_by_it",
    "make bench ARGS": "tests/benchmark/",
    "soundclr verify": "tests/report/test_verify.py::test_committed_numbers_are_reproduced",
    "dvc exp show": "tests/workflow/test_dvc.py::test_repro_retrains_the_changed_recipe_only",
    "make site": "tests/report/test_site_in_browser.py::test_every_link_leads_somewhere",
}
NOT_RUN = {
    "make test": "it would run itself",
    "make review": "it installs an environment of its own; tests/report/test_review.py holds what is in it",
    "make esc10": "a quarter of an hour",
    "make env": "what runs the tests has done it",
    "source .venv/bin/activate": "the shell's",
    "conda env create -f environment.yml": "it needs conda; tests/test_environment.py compares it with the lock",
    "conda activate soundclr": "the shell's",
    "snakemake --cores all --config study=esc10": "hours",
    "SOUNDCLR_JOBS_PER_GPU=2 snakemake": "needs GPUs",
    "make bench": "half an hour",
    "dvc metrics diff": "DVC's own",
    "pip install snakemake-executor-plugin-lsf": "a plugin that the tests do without",
    "dvc remote add --default lab ssh://host/path": "needs a host",
    "dvc remote add --default lab s3://bucket/path": "needs a bucket",
}


@pytest.fixture(scope="module")
def pages(repo: Path) -> dict[Path, str]:
    """The README and what is in docs/, by their paths."""
    return {path: path.read_text(encoding="utf-8") for path in (repo / "README.md", *sorted(repo.glob("docs/*.md")))}


def commands(pages: dict[Path, str]) -> set[str]:
    blocks = [block for text in pages.values() for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)]
    lines = [re.sub(r"\s+#.*", "", line) for block in blocks for line in block.splitlines()]
    return {command.strip() for line in lines for command in line.split(" && ") if command}


def test_each_command_is_run_by_a_test_or_marked_as_not(pages: dict[Path, str], repo: Path) -> None:
    known = [*RUN, *NOT_RUN]
    shown = commands(pages)
    assert sorted(c for c in shown if not any(c.startswith(k) for k in known)) == []
    assert [k for k in known if not any(c.startswith(k) for c in shown)] == []
    for place in RUN.values():
        file, _, name = place.partition("::")
        assert (repo / file).exists(), place
        assert not name or f"def {name}(" in (repo / file).read_text(), place


def test_the_readme_is_short_and_its_first_screen_has_the_three_commands(repo: Path) -> None:
    lines = (repo / "README.md").read_text().splitlines()
    assert len(lines) < 110
    assert [line.split("#")[0].strip() for line in lines if line.startswith("make ")][:3] == [
        "make demo",
        "make esc10",
        "make test",
    ]


def test_the_counts_of_runs_are_the_committed_ones(pages: dict[Path, str], repo: Path) -> None:
    """Of each study that the table of papers says was run here, as its page counts them."""
    said = re.findall(r"\[`(\w+)`\]\(results/\w+/README\.md\): (\d+) of (\d+)\b", pages[repo / "README.md"])
    assert said
    for study, done, asked in said:
        assert re.search(rf"^- {done} of {asked} runs\b", (repo / f"results/{study}/README.md").read_text(), re.M), (
            study
        )


def test_links_lead_somewhere(pages: dict[Path, str]) -> None:
    links = [(page, link) for page, text in pages.items() for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", text)]
    assert len(links) > 50
    assert [link for page, link in links if not (page.parent / link).exists()] == []


def test_every_page_is_linked_from_the_readme(pages: dict[Path, str], repo: Path) -> None:
    readme = pages[repo / "README.md"]
    assert [path.name for path in repo.glob("docs/*.md") if f"(docs/{path.name})" not in readme] == []


def test_numbers_of_trainings(
    pages: dict[Path, str], repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of studies: its last column is what params.yaml expands to, own sounds being there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sounds" / "wren").mkdir(parents=True)
    (tmp_path / "sounds" / "wren" / "1.wav").touch()
    params = load_checked(repo / "params.yaml")
    lines = pages[repo / "docs/reproducing.md"].splitlines()
    stated = {
        m[1]: int(m[2].replace(",", "")) for line in lines if (m := re.match(r"\| `(\w+)` \|.*\| ([\d,]+) \|$", line))
    }
    assert stated == {study: len(list(expand(params, study))) for study in params.studies}


def test_its_recipes_are_recipes(pages: dict[Path, str], repo: Path, tmp_path: Path) -> None:
    """What they show below ``recipes`` can be put into params.yaml and trains."""
    blocks = [block for text in pages.values() for block in re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)]
    shown = [yaml.safe_load(block) for block in blocks]
    recipes = {name: recipe for block in shown for name, recipe in block.get("recipes", {}).items()}
    assert {"hybrid_hot", "probe"} <= recipes.keys()
    content = read_params(repo / "params.yaml")
    content["recipes"] |= recipes
    content["studies"]["paper"]["recipes"] += list(recipes)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    assert set(recipes) < {run.recipe for run in expand(load_checked(tmp_path / "params.yaml"), "paper")}


@pytest.mark.slow
def test_the_picture_of_the_dag_is_snakemakes(pages: dict[Path, str], repo: Path) -> None:
    """Its arrows are those of `snakemake --rulegraph`, without the rule `all`."""
    drawn = re.search(r"```mermaid\n(.*?)```", pages[repo / "docs/extending.md"], re.S)
    assert drawn is not None
    arrows = set()
    for line in drawn[1].splitlines()[1:]:
        names = [name.strip() for name in line.split("-->")]
        arrows |= set(itertools.pairwise(names))
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "--forceall", "--config", "study=paper"]
    graph = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=True).stdout
    rules = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
    assert arrows == {(rules[a], rules[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", graph) if rules[b] != "all"}
