# Report: tables and figures from the runs' small files alone. REPORTED, the runs it reads, is the including workflow's.

CAPTIONS = {"table3": "Tables", "figure4": "Figures", "curves": "Figures", "confusion": "Figures"}


def shown(path):
    """A file of the report, marked for `snakemake --report` where a reader should see it there."""
    name = path.stem.split("-")[0]
    if name not in CAPTIONS or path.suffix not in (".csv", ".png"):
        return str(path)
    return report(str(path), caption=f"../captions/{name}.rst", category=CAPTIONS[name])


rule tables:
    input:
        REPORTED,
    output:
        [shown(path) for path in report_paths(PARAMS, STUDY_NAME, Path("results"), Path("figures"))],
    params:
        study=STUDY_NAME,
        definition=STUDY.model_dump(mode="json"),
        recipes=sorted({run.group for run in RUNS}),
    localrule: True
    log:
        f"logs/{STUDY_NAME}/report.log",
    benchmark:
        f"logs/{STUDY_NAME}/report.tsv"
    conda:
        "../../environment.yml"
    shell:
        "soundclr report --study {params.study} > {log} 2>&1"
