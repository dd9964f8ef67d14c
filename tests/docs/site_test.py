#!/usr/bin/env python3
"""Builds the site by scripts/docs. Usage: site_test.py SOURCE_FOLDER OUTPUT_FOLDER; 77 where a tool is missing."""

import pathlib
import shutil
import subprocess
import sys

PACKAGES = ["mkdocs", "mkdocs-material", "python3-pymdownx", "doxygen"]


def main():
    source, output = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    if shutil.which("dpkg-query") is None:
        print("skipped: the tools are looked for as Debian packages, and there is no dpkg here")
        return 77
    for package in PACKAGES:
        found = subprocess.run(["dpkg-query", "-W", "-f=${Status}", package], capture_output=True, text=True)
        if "ok installed" not in found.stdout:
            print(f"skipped: there is no {package} here; scripts/install-deps docs installs it")
            return 77
    subprocess.run([source / "scripts/docs", output], check=True)
    pages = {str(path.relative_to(output / "site")) for path in (output / "site").rglob("*.html")}
    for wanted in ("index.html", "tutorial.html", "operations.html", "reference/parallel.html"):
        if wanted not in pages:
            sys.exit(f"docs: the site has no {wanted}")
    text = (output / "site/reference/parallel.html").read_text()
    for wanted in ("n_jobs", "generator_unordered", "concurrent_range"):
        if wanted not in text:
            sys.exit(f"docs: the reference says nothing of {wanted}")
    print(f"docs: {len(pages)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
