"""Tables and figures that any study may have; a new one needs a line in :mod:`soundclr.report.catalogue`."""
