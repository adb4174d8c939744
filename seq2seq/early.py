"""What a command does before it imports anything else; `import seq2seq` in other programs changes nothing.

`python -m` puts the working folder first on the search path, so a file `threading.py` in it would be imported instead
of Python's own. This module removes the folder, unless the running package comes from it. What Python imports earlier
(`contextlib`, `importlib`, `types` and `warnings`, for `runpy`, and this package, if there is a folder `seq2seq`)
cannot be prevented from here: `python -P -m …`, PYTHONSAFEPATH=1 and the installed command `seq2seq` avoid that too.

Imports only modules that every interpreter has loaded already, hence no `from __future__`.
"""

import os
import sys

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""The folder that this package is imported from."""
COMMAND = "seq2seq"
PACKAGES = (COMMAND, "recipes")
"""Packages whose modules can be run as commands."""


def is_command() -> bool:
    """Whether this process runs one of our commands, rather than another program that imports this package."""
    words = sys.argv or [""]
    if words[0] == "-m":  # while Python still looks for the module
        package = (sys.orig_argv or [""])[-len(words)].split(".")[0]
        return package in PACKAGES or (package[:1] == "-" and package.endswith(tuple(f"m{name}" for name in PACKAGES)))
    return os.path.basename(words[0]) in (COMMAND, f"{COMMAND}.exe", f"{COMMAND}-script.py")


def search_path() -> list[str]:
    """Returns `sys.path` without the working folder, and without relative entries.

    The working folder stays if this package or the running program comes from it, or if PYTHONPATH lists its absolute
    path.
    """
    try:
        here = os.getcwd()
    except OSError:  # it was deleted
        return [entry for entry in sys.path if os.path.isabs(entry)]
    named = [] if sys.flags.ignore_environment else os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [HOME, _home_of_program(), *filter(os.path.isabs, named)]
    stays = any(_same(here, folder) for folder in kept if folder)
    path = [here if stays and not entry else entry for entry in sys.path]
    return [entry for entry in path if os.path.isabs(entry) and (stays or not _same(entry, here))]


def _home_of_program() -> str:
    """The search path entry of the running program; empty for a prompt, a notebook or `-c`."""
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    if not file:
        return ""
    spec = getattr(main, "__spec__", None)
    depth = spec.name.count(".") + 1 if spec else 1
    for _ in range(depth):
        file = os.path.dirname(os.path.abspath(file))
    return file


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return os.path.abspath(one) == os.path.abspath(other)


def _interrupted(number: int, frame: object) -> None:
    """Ctrl-C during imports: nothing has started yet, so the process can just exit."""
    try:
        os.write(2, b"\nInterrupted.\n")
    finally:
        os._exit(130)


def prepare() -> None:
    """In the process of a command: sets the search path and handles Ctrl-C."""
    sys.path[:] = search_path()
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)


if is_command():
    prepare()
