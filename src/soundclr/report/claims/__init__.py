"""The papers' claims: what they say (YAML beside each paper), what tests it, and what the runs say of it."""
