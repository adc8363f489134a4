"""Tables and figures that any study may have; a new one is a file with an ``ARTEFACT`` in here."""
