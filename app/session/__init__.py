"""The open project, its history, the jobs and the playback, as objects that the interface listens to."""
