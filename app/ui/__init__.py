"""The windows: widgets that show the session's state and tell it what the person wants."""
