"""The status of a study while it runs, read from its jobs' files."""
