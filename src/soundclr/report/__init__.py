"""The report: tables, figures and a page from the run folders alone; it knows nothing of training."""
