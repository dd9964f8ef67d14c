#!/usr/bin/env python3
"""Puts together what MkDocs makes the site from. Usage: assemble.py ROOT XML_FOLDER OUTPUT_FOLDER

OUTPUT_FOLDER gets mkdocs.yml and pages/: docs/*.md, README.md as the first page, the reference, and the files that
pages link to.
"""

import pathlib
import re
import shutil
import sys

import reference

# Sections of the menu: page in docs/ → title. Pages that are not here come last.
MENU = {
    "Start": {"index.md": "Paracord", "tutorial.md": "Tutorial", "embedding.md": "In your process",
              "comparison.md": "Beside joblib", "reading.md": "Reading order"},
    "Guides": {"arrays.md": "Arrays", "persistence.md": "Files", "cache.md": "Cache",
               "writing_a_backend.md": "Writing a backend"},
    "Cluster": {"cluster.md": "On a cluster", "helm.md": "On Kubernetes", "images.md": "Packages and images", "operations.md": "Operations"},
    "Background": {"architecture.md": "Architecture", "protocol.md": "Protocol", "benchmarks.md": "Benchmarks",
                   "changelog.md": "Changes"},
}
# Files of the repository that are pages by another name.
PAGE_OF = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "docs/README.md": "reading.md"}
LANGUAGES = {".cc": "cpp", ".h": "cpp", ".txt": "cmake", ".py": "python", ".yaml": "yaml", ".yml": "yaml"}


PICTURES = {".png", ".svg"}


def language(path):
    return "docker" if path.name == "Dockerfile" else LANGUAGES.get(path.suffix, "text")


def section(text, anchor):
    """What stands below a heading of the second level."""
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        heading, _, rest = part.partition("\n")
        if heading.strip().lower().replace(" ", "-") == anchor:
            return rest.strip()
    raise SystemExit(f"docs: no heading for #{anchor}, which a page includes")


class Site:
    def __init__(self, root, output):
        self.root, self.pages, self.listed = root, output / "pages", {}
        shutil.rmtree(self.pages, ignore_errors=True)

    def write(self, name, text):
        path = self.pages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def page_of(self, path):
        """The page that shows a file or folder of the repository."""
        name = str(path.relative_to(self.root))
        if name in PAGE_OF:
            return PAGE_OF[name]
        if path.parent == self.root / "docs" and path.suffix == ".md":
            return path.name
        if path.suffix in PICTURES:
            self.pages.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, self.pages / path.name)
            return path.name
        page = f"sources/{name}.md"
        if page not in self.listed:
            self.listed[page] = True
            files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and p.suffix not in PICTURES)
            blocks = [f"`{file.relative_to(self.root)}`\n\n````{language(file)}\n{file.read_text()}````\n" for file in files
                      if "__pycache__" not in file.parts]
            self.write(page, f"# {name}\n\n" + "\n".join(blocks))
        return page

    def text_of(self, path):
        """A page's text, its links turned to where the targets are in the site."""
        def turn(match):
            target, anchor = match[1], match[2] or ""
            if re.match(r"[a-z]+:", target) or not (path.parent / target).exists():
                return match[0]
            return f"]({self.page_of((path.parent / target).resolve())}{anchor})"
        def include(match):
            return section(self.text_of((path.parent / match[1]).resolve()), match[2])
        parts = re.split(r"(^```.*?^```)", path.read_text(), flags=re.S | re.M)
        parts[::2] = [re.sub(r"\]\(([^)#\s]+)(#[^)]*)?\)", turn, part) for part in parts[::2]]
        parts[::2] = [re.sub(r"<!-- included: (\S+)#([\w-]+) -->", include, part) for part in parts[::2]]
        return "".join(parts)

    def copy(self, path, name):
        self.write(name, self.text_of(path))


def menu(found, references):
    lines = ["nav:"]
    known = {page for pages in MENU.values() for page in pages}
    sections = {**MENU, "More": {page: page.removesuffix(".md") for page in sorted(found - known)}}
    for section, pages in sections.items():
        lines += [f"  - {section}:"] * bool(pages)
        lines += [f"      - {title}: {page}" for page, title in pages.items()]
    lines += ["  - Reference:"] + [f"      - \"{title}\": {page}" for page, title in references]
    return "\n".join(lines) + "\n"


def main():
    root, xml, output = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
    site = Site(root, output)
    sources = {"index.md": root / "README.md", "changelog.md": root / "CHANGELOG.md"}
    sources |= {PAGE_OF.get(f"docs/{path.name}", path.name): path for path in sorted((root / "docs").glob("*.md"))}
    for name, path in sources.items():
        site.copy(path, name)
    references = []
    for name, title, text in reference.pages(xml / "xml"):
        site.write(name, text)
        references.append((name, title))
    shutil.copy(root / "docs/site/style.css", site.pages)
    (output / "mkdocs.yml").write_text((root / "docs/site/mkdocs.yml").read_text() + menu(set(sources), references))


if __name__ == "__main__":
    main()
