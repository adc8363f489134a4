"""One training loop for all schemes: they differ only in their stages, in params.yaml."""
