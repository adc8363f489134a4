"""The kinds by which claims.yaml can name sides by their settings."""

from soundclr.report.papers.shin.reading import row_of

KINDS = {"start": (row_of, ())}
"""By the name in claims.yaml: the function that names a side; the runs of all artefacts count."""
