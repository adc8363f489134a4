"""The papers' claims: their text (YAML beside each paper), their measures, and their verdicts."""
