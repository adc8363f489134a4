# Tables and figures of a study from the existing runs, on any machine, without data. It has no rule that trains or
# evaluates, so no file's time can trigger that.
# snakemake --snakefile workflow/report.smk --cores 1 --forceall [--config study=esc10]
from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"


REPORTED = [file for file in METRICS + EVALUATIONS if Path(file).exists()]


include: "rules/report.smk"


rule all:
    default_target: True
    input:
        rules.tables.output,
    message:
        f"the tables and figures of {STUDY_NAME} are there"
