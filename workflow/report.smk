# Tables and figures of a study from the runs that are there, on any machine, with no data: it knows no training rule,
# so no file time can make it train. snakemake --snakefile workflow/report.smk --cores 1 --forceall [--config study=esc10]
from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"


REPORTED = [metrics for metrics in METRICS if Path(metrics).exists()]


include: "rules/report.smk"


rule all:
    default_target: True
    input:
        rules.tables.output,
