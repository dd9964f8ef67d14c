#!/usr/bin/env python3
"""Plugins whose tasks run in worker processes.

Usage: plugins.py CASE HOST PLUGIN [ANOTHER]
"""

import os
import pathlib
import shutil
import tempfile

from harness import check, main, refuses, succeeds


def runs(host, plugin, another):
    succeeds([host, "own", "open", plugin, "run", "own", "open", another, "run", "own"])


def closed_and_opened_again(host, plugin, another):
    again = ["open", plugin, "run", "close"]
    succeeds([host, *again, *again, "open", another, "run", *again])


def replaced_and_opened_again(host, plugin, another):
    """A new build of a plugin that was closed: its own functions run, not the old ones."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = (pathlib.Path(folder) / name for name in ("plugin.so", "new.so"))
        shutil.copy2(plugin, first)
        shutil.copy2(another, second)
        reopen = ["close", "replace", first, second, "open", first, "run"]
        succeeds([host, "open", first, "run", *reopen])
        shutil.copy2(plugin, second)
        succeeds([host, "open", second, "run", "close", "open", first, "run", *reopen])


def opened_by_relative_path(host, plugin, another):
    folder, name = os.path.split(plugin)
    succeeds([host, "open", "./" + name, "chdir", "/", "run"], cwd=folder)


def replaced_while_open(host, plugin, another):
    """Workers that start later cannot load what the program has loaded."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = (pathlib.Path(folder) / name for name in ("plugin.so", "new.so"))
        shutil.copy2(plugin, first)
        shutil.copy2(another, second)
        refuses([host, "open", first, "replace", first, second, "run"], "was replaced on disk")


def needs_its_host(host, plugin):
    """Workers of the host's own executable have its symbols; the program of others has not."""
    if os.path.basename(host) != "variant_host":
        return succeeds([host, "open", plugin, "run"])
    said = refuses([host, "open", plugin, "run"], "number_of_host")
    return check(os.path.basename(plugin) in said and "must not need symbols of the program" in said, f"it is clear: {said}")


def no_worker_program(host, plugin):
    refuses([host, "open", plugin, "run"], "PARACORD_WORKER names /no/such/worker",
            env={**os.environ, "PARACORD_WORKER": "/no/such/worker"})


main({case.__name__: case for case in (
    runs, opened_by_relative_path, closed_and_opened_again, replaced_and_opened_again, replaced_while_open, needs_its_host, no_worker_program)})
