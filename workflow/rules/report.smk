# Report: tables and figures, only from the small files of runs and evaluations. The including workflow sets REPORTED to
# the files that it reads.


report: str(front_page(STUDY_NAME, Path("results")).resolve())


rule tables:
    input:
        to_report,
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
    message:
        "write the tables and figures of {params.study}"
    shell:
        "soundclr report --study {params.study:q} > {log:q} 2>&1"
