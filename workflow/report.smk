# Tables and figures of a study from the runs that are there, on any machine, with no data: it knows no rule that trains
# or evaluates, so no file time can make it do so.
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
