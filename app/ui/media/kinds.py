"""The kinds of file that file dialogs list."""

FILMS = "*.mp4 *.mov *.m4v *.mkv *.webm *.ts *.mts *.m2ts *.mpg *.mpeg *.vob *.avi *.mxf *.flv *.3gp *.wmv"
SOUNDS = "*.wav *.mp3 *.m4a *.aac *.flac *.ogg *.opus *.aif *.aiff"
