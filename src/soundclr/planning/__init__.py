"""What there is to do, how long it takes, and where a study stands."""
