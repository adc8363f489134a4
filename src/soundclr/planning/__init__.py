"""Plans a study: what there is to do and how long it takes; and shows its status."""
