"""Set Deltacut up on a fresh machine, then run its main job or its tests.

    python3 packaging/bootstrap.py install    make .venv and install Deltacut with pinned versions
    python3 packaging/bootstrap.py demo       the same, then `deltacut demo`; further arguments go to it
    python3 packaging/bootstrap.py test       the same, then the test suite; further arguments go to pytest

Runs on the standard library alone and can be run again cheaply: what is done already is not done twice.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / "deltacut-installed"
OLDEST_PYTHON = (3, 11)

# Libraries that the wheels expect from the system, by the Debian package that brings each (soname -> package).
LINUX_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libportaudio.so.2": "libportaudio2",
}
FEDORA_PACKAGES = (
    "mesa-libEGL mesa-libGL libxkbcommon libxkbcommon-x11 xcb-util-cursor xcb-util-wm xcb-util-image "
    "xcb-util-keysyms xcb-util-renderutil dbus-libs fontconfig glib2 portaudio"
)
ARCH_PACKAGES = (
    "libglvnd libxkbcommon libxkbcommon-x11 xcb-util-cursor xcb-util-wm xcb-util-image xcb-util-keysyms "
    "xcb-util-renderutil dbus fontconfig glib2 portaudio"
)


def main(arguments: list[str]) -> int:
    """Run one of the three jobs; return the exit status."""
    if not arguments or arguments[0] not in ("install", "demo", "test"):
        print(__doc__)
        return 2
    job, rest = arguments[0], arguments[1:]
    if sys.version_info < OLDEST_PYTHON:
        print(f"Deltacut needs Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or later, not {platform.python_version()}.")
        return 2
    try:
        check_system_libraries()
        make_environment()
        install(with_tests=job == "test")
    except subprocess.CalledProcessError as error:
        print(f"\nThis step failed with status {error.returncode}: {shlex.join(map(str, error.cmd))}")
        return 1
    python = str(environment_python())
    if job == "demo":
        say("run", "deltacut demo")
        return subprocess.call([python, "-m", "app.main", "demo", *rest], cwd=Path.cwd(), env=environment())
    if job == "test":
        say("run", "the test suite")
        return subprocess.call([python, "-m", "pytest", *(rest or ["-n", "auto"])], cwd=ROOT, env=environment())
    say("done", f"start it with {command_path()}")
    return 0


def check_system_libraries() -> None:
    """See that the libraries exist that Qt and PortAudio load; install them where that is possible, else say how."""
    if not sys.platform.startswith("linux"):
        say("ok", f"no system libraries to check on {platform.system()}")
        return
    missing = [name for name in LINUX_LIBRARIES if not loads(name)]
    if not missing:
        say("ok", "system libraries")
        return
    packages = sorted({LINUX_LIBRARIES[name] for name in missing})
    if shutil.which("apt-get"):
        if os.geteuid() == 0:
            say("install", f"system libraries: {' '.join(packages)}")
            quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)
            command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
            subprocess.run(command, check=True, env=quiet, stdout=subprocess.DEVNULL)
            return
        way = f"sudo apt-get install {' '.join(packages)}"
    elif shutil.which("dnf"):
        way = f"sudo dnf install {FEDORA_PACKAGES}"
    elif shutil.which("pacman"):
        way = f"sudo pacman -S {ARCH_PACKAGES}"
    else:
        way = f"install what brings {', '.join(missing)}"
    say(
        "note",
        f"these libraries are missing: {', '.join(missing)}. The window and its sound need them. Install them with:",
    )
    print(f"    {way}")


def loads(name: str) -> bool:
    """Tell whether the dynamic linker finds a library."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def make_environment() -> None:
    """Make .venv unless it is there and works."""
    if environment_python().exists() and subprocess.call([str(environment_python()), "-c", "import pip"]) == 0:
        say("ok", f"environment {ENVIRONMENT.name}")
        return
    say("make", f"environment {ENVIRONMENT.name}")
    try:
        import ensurepip  # noqa: F401  Debian ships it apart, in python3-venv
    except ImportError:
        if not (shutil.which("apt-get") and os.geteuid() == 0):
            print("Python's venv module is incomplete here; on Debian and Ubuntu: sudo apt-get install python3-venv")
            raise
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "python3-venv"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
        return
    venv.EnvBuilder(with_pip=True, clear=ENVIRONMENT.exists(), symlinks=os.name != "nt").create(ENVIRONMENT)


def install(*, with_tests: bool) -> None:
    """Install Deltacut into .venv with the pinned versions, unless exactly this is installed."""
    wanted = fingerprint(with_tests)
    have = STAMP.read_text().split() if STAMP.exists() else []
    if wanted in have:
        say("ok", "Deltacut and its libraries")
        return
    say("install", "Deltacut and its libraries" + (", with what the tests need" if with_tests else ""))
    target = f"{ROOT}[test]" if with_tests else str(ROOT)
    pip = [str(environment_python()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt"), "--editable", target], check=True)
    # The tests' environment holds all that the plain one does.
    STAMP.write_text("\n".join([wanted, fingerprint(False)]) + "\n")


def fingerprint(with_tests: bool) -> str:
    """Return a name for what would be installed."""
    content = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    return hashlib.sha256(content + bytes([with_tests])).hexdigest()


def environment() -> dict[str, str]:
    """Return the variables for the jobs: the environment's commands come first."""
    variables = dict(os.environ)
    variables["PATH"] = str(environment_python().parent) + os.pathsep + variables.get("PATH", "")
    variables["VIRTUAL_ENV"] = str(ENVIRONMENT)
    return variables


def environment_python() -> Path:
    """Return where the environment's interpreter is on this platform."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def command_path() -> Path:
    """Return where the `deltacut` command is."""
    return environment_python().with_name("deltacut.exe" if os.name == "nt" else "deltacut")


def say(what: str, detail: str) -> None:
    """Print one step."""
    print(f"[{what:>7}] {detail}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
