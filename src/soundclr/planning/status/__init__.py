"""Where a study stands while it runs, from the files that its jobs leave: no process is asked anything."""
