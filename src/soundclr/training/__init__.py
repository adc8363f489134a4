"""One loop for all schemes: what differs between them is their stages, in params.yaml."""
