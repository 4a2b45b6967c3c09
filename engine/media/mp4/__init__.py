"""MP4 and QuickTime files without a demuxer: their tables read, and patched in place of a remux."""
