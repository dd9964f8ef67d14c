#!/usr/bin/env python3
"""Writes helm/paracord/README.md from the comments of values.yaml; with --check, says whether it is up to date."""
import json
import pathlib
import sys

import yaml

CHART = pathlib.Path(__file__).resolve().parent / "paracord"

HEAD = """# The chart `paracord`

{description}. docs/helm.md explains how it is used. Written by helm/readme.py from the comments of values.yaml.

| value | default | |
| --- | --- | --- |
"""


def entries(text):
    """(path, comment) of each key that has a comment, in order."""
    path, comment = [], []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            comment.append(stripped.lstrip("# "))
        elif stripped and not stripped.startswith("-"):
            level = (len(line) - len(line.lstrip())) // 2
            path = path[:level] + [stripped.split(":")[0]]
            yield list(path), " ".join(comment)
            comment = []


def readme():
    text = (CHART / "values.yaml").read_text()
    values = yaml.safe_load(text)
    rows = ""
    for path, comment in entries(text):
        value = values
        for key in path:
            value = value[key]
        is_branch = isinstance(value, dict) and value
        if is_branch and not comment:
            continue
        default = "" if is_branch else f"`{json.dumps(value)}`"
        rows += f"| `{'.'.join(path)}` | {default} | {comment} |\n"
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    return HEAD.format(description=about["description"]) + rows


def main():
    file = CHART / "README.md"
    if "--check" in sys.argv:
        if file.read_text() != readme():
            sys.exit(f"{file} is not up to date: run helm/readme.py")
    else:
        file.write_text(readme())


main()
