# Fetch: from hosts or a mirror to data/<dataset>/index.csv and data/weights, verified.


rule fetch:
    output:
        "data/{dataset}/index.csv",
    params:
        source=lambda wildcards: runs.dataset_hash(PARAMS, wildcards.dataset),
        mirror=MIRROR,
    log:
        "logs/fetch/{dataset}.log",
    benchmark:
        "logs/fetch/{dataset}.tsv"
    conda:
        "../../environment.yml"
    shell:
        "soundclr fetch {wildcards.dataset} {params.mirror} 2> >(tee {log} >&2)"


rule weights:
    output:
        "data/weights/{weights}-{encoder}.pth",
    params:
        sha256=lambda wildcards: PARAMS.weights[wildcards.weights].files[wildcards.encoder].sha256,
        mirror=MIRROR,
    wildcard_constraints:
        weights=r"[a-z][a-z0-9_]*",
        encoder=r"[a-z][a-z0-9_]*",
    log:
        "logs/weights/{weights}-{encoder}.log",
    benchmark:
        "logs/weights/{weights}-{encoder}.tsv"
    conda:
        "../../environment.yml"
    shell:
        "soundclr weights {wildcards.weights} {wildcards.encoder} {params.mirror} 2> >(tee {log} >&2)"
