# Features: a dataset's clips, decoded once into one memory-mapped file, whose name holds the hash of what made it.


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
