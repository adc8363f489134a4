# Features: a dataset's clips, decoded once into one memory-mapped file, whose name has the hash of its inputs.


rule decode:
    input:
        "data/{dataset}/index.csv",
    output:
        "data/features/{dataset}-{key}.safetensors",
    log:
        "logs/features/{dataset}-{key}.log",
    benchmark:
        "logs/features/{dataset}-{key}.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    message:
        "decode {wildcards.dataset}"
    shell:
        "soundclr features {wildcards.dataset:q} --threads {threads} 2> >(tee {log:q} >&2)"
