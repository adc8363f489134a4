"""The static site: pages of claims, runs and sounds beside the documentation, for MkDocs to render (`make site`)."""
