# Train: one job per run. Its path has the hash of its settings, so changed parameters make other files.


rule train:
    input:
        features=lambda wildcards: unless_trained(wildcards, [features_file(wildcards.dataset)]),
        weights=lambda wildcards: unless_trained(
            wildcards, weights_files(wildcards.dataset, wildcards.recipe)
        ),
        start=lambda wildcards: unless_trained(wildcards, start_files(wildcards)),
    output:
        metrics=f"{ANY_RUN.directory()}/metrics.json",
        history=f"{ANY_RUN.directory()}/history.csv",
        predictions=f"{ANY_RUN.directory()}/predictions.csv",
        model=f"{ANY_RUN.model()}",
    log:
        f"logs/{STUDY_NAME}/{ANY_RUN.group}/{ANY_RUN.name}.log",
    benchmark:
        f"logs/{STUDY_NAME}/{ANY_RUN.group}/{ANY_RUN.name}.tsv"
    retries: RETRIES
    conda:
        "../../environment.yml"
    threads: training_threads
    resources:
        gpu=1,
    params:
        study=STUDY_NAME,
    message:
        "train {wildcards.recipe} on {wildcards.dataset}, fold {wildcards.fold}, seed {wildcards.seed}: tail -f {log}"
    shell:  # exec: a signal reaches the training, which then saves itself, and not a shell around it
        "exec soundclr train --study {params.study:q} --dataset {wildcards.dataset:q} --recipe {wildcards.recipe:q}"
        " --hash {wildcards.hash:q} --fold {wildcards.fold:q} --seed {wildcards.seed:q} --threads {threads} --slots {resources.gpu}"
        " 2> {log:q}"
