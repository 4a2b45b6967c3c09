#!/bin/sh
# Make the desktop know Deltacut: menu entry, project files, icon. For this user; PREFIX=/usr/local for everybody.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
share=${PREFIX:+$PREFIX/share}
share=${share:-${XDG_DATA_HOME:-$HOME/.local/share}}
install -Dm644 "$here/deltacut.desktop" "$share/applications/deltacut.desktop"
install -Dm644 "$here/deltacut.xml" "$share/mime/packages/deltacut.xml"
install -Dm644 "$here/deltacut.svg" "$share/icons/hicolor/scalable/apps/deltacut.svg"
command -v update-mime-database >/dev/null && update-mime-database "$share/mime"
command -v update-desktop-database >/dev/null && update-desktop-database "$share/applications"
echo "Deltacut is in the menu, and .dcut files open with it. \`deltacut\` must be on the PATH."
