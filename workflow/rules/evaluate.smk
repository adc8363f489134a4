# Evaluate: one job a run of the study's `evaluate:`, on the run's model. Its path holds the key of the evaluation's settings, so
# more noise is other files, and trains nothing.


rule evaluate:
    input:
        features=lambda wildcards: unless_evaluated(wildcards, features_file(wildcards.dataset)),
        metrics=lambda wildcards: unless_evaluated(wildcards, run_of(wildcards).directory() / "metrics.json"),
        model=lambda wildcards: unless_evaluated(wildcards, run_of(wildcards).model()),
    output:
        evaluation=f"results/{STUDY_NAME}/evaluations/{{dataset}}/{{recipe}}-{{hash}}/fold{{fold}}-seed{{seed}}/{{key}}/evaluation.json",
        projection=f"results/{STUDY_NAME}/evaluations/{{dataset}}/{{recipe}}-{{hash}}/fold{{fold}}-seed{{seed}}/{{key}}/projection.csv",
    log:
        f"logs/{STUDY_NAME}/{{dataset}}/{{recipe}}-{{hash}}/fold{{fold}}-seed{{seed}}-evaluation-{{key}}.log",
    benchmark:
        f"logs/{STUDY_NAME}/{{dataset}}/{{recipe}}-{{hash}}/fold{{fold}}-seed{{seed}}-evaluation-{{key}}.tsv"
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
