# Train: one job a run. Its path holds the hash of its settings, so changed parameters are other files.


rule train:
    input:
        features=lambda wildcards: unless_trained(wildcards, [features_file(wildcards.dataset)]),
        weights=lambda wildcards: unless_trained(
            wildcards, weights_files(wildcards.dataset, wildcards.recipe)
        ),
    output:
        metrics=f"results/{STUDY_NAME}/runs/{{dataset}}/{{recipe}}-{{hash}}/fold{{fold}}-seed{{seed}}/metrics.json",
        history=f"results/{STUDY_NAME}/runs/{{dataset}}/{{recipe}}-{{hash}}/fold{{fold}}-seed{{seed}}/history.csv",
        predictions=f"results/{STUDY_NAME}/runs/{{dataset}}/{{recipe}}-{{hash}}/fold{{fold}}-seed{{seed}}/predictions.csv",
        model=f"results/{STUDY_NAME}/models/{{dataset}}/{{recipe}}-{{hash}}/fold{{fold}}-seed{{seed}}.pt",
    log:
        f"logs/{STUDY_NAME}/{{dataset}}/{{recipe}}-{{hash}}/fold{{fold}}-seed{{seed}}.log",
    benchmark:
        f"logs/{STUDY_NAME}/{{dataset}}/{{recipe}}-{{hash}}/fold{{fold}}-seed{{seed}}.tsv"
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
    shell:  # exec: a signal that ends the job reaches the training, which saves itself, and not a shell before it
        "exec soundclr train --study {params.study:q} --dataset {wildcards.dataset:q} --recipe {wildcards.recipe:q}"
        " --hash {wildcards.hash:q} --fold {wildcards.fold:q} --seed {wildcards.seed:q} --threads {threads} --slots {resources.gpu}"
        " > {log:q} 2>&1"
