"""The desktop application and the commands."""
