# Report: tables and figures from the small files of runs and evaluations alone. REPORTED, those that it reads, is the
# including workflow's.


@cache
def unless_reported():
    """A file of this moment where the report was made of anything else than what is there now, else none.

    The report's own record tells, so that neither files' times nor lost metadata of Snakemake keep an old table. The
    file must exist: for the lack of an intermediate one Snakemake runs nothing again.
    """
    if not is_outdated(PARAMS, STUDY_NAME, Path("results")):
        return []
    marker = Path(f".snakemake/{STUDY_NAME}.outdated")
    write_text(marker, f"found at {time.time_ns()}")
    return str(marker)


rule tables:
    input:
        REPORTED,
        lambda wildcards: unless_reported(),
    output:
        [shown(path) for path in report_paths(PARAMS, STUDY_NAME, Path("results"), Path("figures"))],
    log:
        f"logs/{STUDY_NAME}/report.log",
    benchmark:
        f"logs/{STUDY_NAME}/report.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    params:
        study=STUDY_NAME,
        definition=STUDY.model_dump(mode="json"),
        recipes=sorted({run.group for run in RUNS}),
    message:
        "write the tables and figures of {params.study}"
    shell:
        "soundclr report --study {params.study:q} > {log:q} 2>&1"
