# Evaluate: one job for each run in the study's `evaluate:`, with the run's model. The path has the key of the evaluation's
# settings, so other settings make other files and train nothing.


rule evaluate:
    input:
        features=lambda wildcards: unless_evaluated(wildcards, features_file(wildcards.dataset)),
        metrics=lambda wildcards: unless_evaluated(wildcards, run_of(wildcards).directory() / "metrics.json"),
        model=lambda wildcards: unless_evaluated(wildcards, run_of(wildcards).model()),
    output:
        evaluation=f"{ANY_RUN.evaluation('{key}')}/evaluation.json",
        projection=f"{ANY_RUN.evaluation('{key}')}/projection.csv",
    log:
        f"logs/{STUDY_NAME}/{ANY_RUN.group}/{ANY_RUN.name}-evaluation-{{key}}.log",
    benchmark:
        f"logs/{STUDY_NAME}/{ANY_RUN.group}/{ANY_RUN.name}-evaluation-{{key}}.tsv"
    retries: RETRIES
    conda:
        "../../environment.yml"
    threads: training_threads
    resources:
        gpu=1,
    params:
        study=STUDY_NAME,
    message:
        "evaluate {wildcards.recipe} on {wildcards.dataset}, fold {wildcards.fold}, seed {wildcards.seed}"
    shell:
        "soundclr evaluate --study {params.study:q} --dataset {wildcards.dataset:q} --recipe {wildcards.recipe:q}"
        " --hash {wildcards.hash:q} --fold {wildcards.fold:q} --seed {wildcards.seed:q} --key {wildcards.key:q}"
        " --threads {threads} --slots {resources.gpu} > {log:q} 2>&1"
