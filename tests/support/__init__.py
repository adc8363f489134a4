"""What several tests share: toy problems, small copies of releases, made-up runs, and calculations by hand."""
