"""What papers have published, a room each: their tables and figures with ours beside."""
