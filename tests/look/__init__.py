"""Pictures of every panel and dialog, to be looked at."""
