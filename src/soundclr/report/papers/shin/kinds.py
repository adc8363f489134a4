"""How claims.yaml may name sides by what their settings are."""

from soundclr.report.papers.shin.reading import row_of

KINDS = {"start": (row_of, ())}
"""By the name there: what names a side; the runs of any artefact count."""
