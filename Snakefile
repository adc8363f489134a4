# From params.yaml to the tables and figures of a study: snakemake --cores all [--config study=esc10]
# The rules are in workflow/rules, a file per stage. They call the command line of the package in src/soundclr.
from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/common.smk"
include: "workflow/rules/start.smk"


REPORTED = METRICS + EVALUATIONS


include: "workflow/rules/fetch.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        METRICS,
        EVALUATIONS,
        rules.tables.output,
    message:
        f"all of {STUDY_NAME} is there"


rule features:
    input:
        [features_file(dataset) for dataset in sorted({run.dataset for run in RUNS})],
        WEIGHTS,
    message:
        f"the clips and weights of {STUDY_NAME} are there"


rule runs:
    input:
        METRICS,
    message:
        f"the runs of {STUDY_NAME} are there"


rule evaluations:
    input:
        EVALUATIONS,
    message:
        f"the evaluations of {STUDY_NAME} are there"
