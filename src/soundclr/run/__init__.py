"""What a run is: its settings' hash and paths, its records, and what it needs to be there."""
