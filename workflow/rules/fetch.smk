# Fetch: from hosts or a mirror (SOUNDCLR_MIRROR) to data/<dataset>/index.csv and data/weights, with verification. It runs
# on the machine of Snakemake, because a cluster's nodes often have no internet.


rule fetch:
    output:
        "data/{dataset}/index.csv",
    log:
        "logs/fetch/{dataset}.log",
    benchmark:
        "logs/fetch/{dataset}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    params:
        source=lambda wildcards: runs.dataset_hash(PARAMS, wildcards.dataset),
    message:
        "fetch {wildcards.dataset}"
    shell:
        "soundclr fetch {wildcards.dataset:q} 2> >(tee {log:q} >&2)"


rule weights:
    output:
        "data/weights/{weights}-{encoder}.pth",
    log:
        "logs/weights/{weights}-{encoder}.log",
    benchmark:
        "logs/weights/{weights}-{encoder}.tsv"
    wildcard_constraints:
        weights=r"[a-z][a-z0-9_]*",
        encoder=r"[a-z][a-z0-9_]*",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        sha256=lambda wildcards: PARAMS.weights_file(wildcards.weights, wildcards.encoder).sha256,
    message:
        "fetch the weights {wildcards.weights} of {wildcards.encoder}"
    shell:
        "soundclr weights {wildcards.weights:q} {wildcards.encoder:q} 2> >(tee {log:q} >&2)"
