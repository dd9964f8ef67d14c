#!/usr/bin/env python3
"""Style as a test: layers, sizes, words, tests that mirror the tree, quoted docs, formatting.

Usage: tidy.py ROOT CHECK. Exits 0 if clean, 1 with a line for each finding, 77 where a tool is missing.
"""

import pathlib
import re
import shutil
import subprocess
import sys

SOURCE_FOLDERS = ["core", "memmap", "cache", "transport", "scheduler", "backends", "apps", "testkit", "examples",
                  "bench", "tests"]

# Lines. A source or header above its bound must be divided; functions are bounded in product code.
HEADER_LINES, SOURCE_LINES, FUNCTION_LINES = 250, 500, 70
PUBLIC_HEADER_LIMITS = {"core/backend.h": 120, "core/parallel.h": 120}

# What product code does not use, and what stands in its place.
BANNED = {
    r"\bstd::mutex\b": "detail::Guarded",
    r"\bsleep_for\b|\bsleep_until\b|\busleep\(": "detail::Event",
    r"\brand\(\)|\brandom_device\b": "a generator that comes by constructor",
    r"\bstd::cout\b|\bprintf\(": "an observer; the library prints nothing by itself",
    r"TODO\(now\)": "doing it",
}
# Where the words are at home: commands print, the kit simulates users, progress lines are asked for.
BANNED_EXEMPT = ("apps/", "testkit/", "examples/", "bench/", "tests/", "core/verbose.cc", "core/progress_bar.cc",
                 "core/trace.cc")


def sources(root, suffixes=(".h", ".cc")):
    for folder in SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and "build" not in path.relative_to(root).parts:
                yield path


def read_layers(text):
    """The table of cmake/layers.cmake: folder -> folders that it may include."""
    return {m[1]: set(m[2].replace('"', "").split())
            for m in re.finditer(r"^set\(PARACORD_LAYER_(\w+) (.*)\)$", text, re.M)}


def layer_findings(folder, text, table):
    """Includes of ours in a file of `folder` that the table does not allow."""
    for line_number, line in enumerate(text.splitlines(), 1):
        included = re.match(r'\s*#\s*include\s+["<]paracord/([\w]+)/', line)
        if included and included[1] != folder and included[1] not in table.get(folder, set()):
            yield f"{line_number}: {folder} may not include {included[1]}"
        elif re.match(r'\s*#\s*include\s+"(?!paracord/)', line) and folder != "examples":
            yield f"{line_number}: spell includes of ours \"paracord/<folder>/<file>.h\""


def layer_of(path, table):
    """The folder whose rules hold for a file: a sub-folder may have rules of its own."""
    inner = "_".join(path.parts[:2])
    return inner if len(path.parts) > 2 and inner in table else path.parts[0]


def check_layers(root):
    table = read_layers((root / "cmake/layers.cmake").read_text())
    for path in sources(root):
        folder = layer_of(path.relative_to(root), table)
        for finding in layer_findings(folder, path.read_text(), table):
            yield f"{path.relative_to(root)}:{finding}"


def function_lengths(text):
    """(first line, length) of the outermost braces that are neither namespaces nor types, by brace matching."""
    text = re.sub(r'//[^\n]*|"(\\.|[^"\\\n])*"|\'(\\.|[^\'\\\n])*\'', lambda m: " " * len(m[0]), text)
    stack, line, start_of_statement = [], 1, 0
    for position, char in enumerate(text):
        if char == "\n":
            line += 1
        elif char == "{":
            head = text[start_of_statement:position]
            opens_scope = re.search(r"\b(namespace|class|struct|union|enum|extern)\b[^()]*$", head) is not None
            stack.append((line, opens_scope))
            start_of_statement = position + 1
        elif char == "}":
            if stack:
                first, opens_scope = stack.pop()
                if not opens_scope and all(scope for _, scope in stack):
                    yield first, line - first + 1
            start_of_statement = position + 1
        elif char == ";":
            start_of_statement = position + 1


def check_sizes(root):
    for path in sources(root):
        name = str(path.relative_to(root))
        text = path.read_text()
        lines = text.count("\n")
        limit = PUBLIC_HEADER_LIMITS.get(name, HEADER_LINES if path.suffix == ".h" else SOURCE_LINES)
        if lines > limit:
            yield f"{name}: {lines} lines, {limit} at the most"
        if not name.startswith("tests/"):
            for first, length in function_lengths(text):
                if length > FUNCTION_LINES:
                    yield f"{name}:{first}: a function of {length} lines, {FUNCTION_LINES} at the most"


def check_words(root):
    for path in sources(root):
        name = str(path.relative_to(root))
        text = path.read_text()
        if path.suffix == ".h" and "#pragma once" not in text:
            yield f"{name}: no #pragma once"
        if name.startswith(BANNED_EXEMPT):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            code = line.split("//")[0]
            for pattern, instead in BANNED.items():
                if re.search(pattern, line if "TODO" in pattern else code):
                    yield f"{name}:{number}: {pattern} — use {instead}"


def check_tests_mirror(root):
    """Each source of the product has tests that name its header, and each test file is built."""
    test_text = "\n".join(path.read_text() for path in sources(root) if path.relative_to(root).parts[0] == "tests")
    product = [p for p in sources(root, (".h",)) if p.relative_to(root).parts[0] in
               ("core", "memmap", "cache", "transport", "scheduler", "backends")]
    included = set(re.findall(r'paracord/([\w/]+\.h)', test_text))
    reached, frontier = set(), {name for name in included if (root / name).exists()} | {"paracord.h"}
    while frontier:  # what tests include, and what that includes
        name = frontier.pop()
        reached.add(name)
        text = (root / name).read_text()
        frontier |= {n for n in re.findall(r'#include "paracord/([\w/]+\.h)"', text)
                     if (root / n).exists()} - reached
        source = root / name.replace(".h", ".cc")
        if source.exists():
            frontier |= {n for n in re.findall(r'#include "paracord/([\w/]+\.h)"', source.read_text())
                         if (root / n).exists()} - reached
    for path in product:
        if str(path.relative_to(root)) not in reached:
            yield f"{path.relative_to(root)}: no test reaches it"
    for path in sources(root, (".cc",)):
        relative = path.relative_to(root)
        if relative.parts[0] != "tests" or relative.parts[1] in ("compile_fail", "install"):
            continue
        lists = [folder / "CMakeLists.txt" for folder in path.parents if root in folder.parents]
        if not any(path.name in listing.read_text() for listing in lists if listing.exists()):
            yield f"{relative}: no target builds it"


def snippets(text):
    """Snippets between `// [name]` marks."""
    return {m[1]: m[2].strip("\n") for m in re.finditer(r"// \[(\w+)\]\n(.*?)\n// \[\1\]", text, re.S)}


def quoted_blocks(markdown):
    """(source of the quote or None, snippet, code) for each block that is C++, or says what it quotes."""
    pattern = r"^(?:<!-- quoted: ([\w/.]+)(?:#(\w+))? -->\n)?```(\w*)\n(.*?)\n```"
    for match in re.finditer(pattern, markdown, re.S | re.M):
        if match[1] or match[3] == "cpp":
            yield match[1], match[2], match[4]


def anchors(markdown):
    """What links can name in a page: its headings, in small letters, with a hyphen for each blank."""
    prose = re.sub(r"^```.*?^```", "", markdown, flags=re.S | re.M)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", prose, re.M)}


def check_metric_names(root):
    """docs/operations.md explains the metrics that there are, and no others."""
    code, page = root / "apps/metrics.cc", root / "docs/operations.md"
    if not code.exists() or not page.exists():
        return
    made = {f"paracord_{name}" for name in
            re.findall(r'page\.(?:gauges?|counter|histogram)\(\s*"(\w+)"', code.read_text())}
    told = {re.sub("_bucket$", "", name) for name in re.findall(r"\bparacord_\w+", page.read_text())}
    for name in sorted(made - told):
        yield f"docs/operations.md: says nothing of {name}"
    for name in sorted(told - made):
        yield f"docs/operations.md: no daemon has {name}"


def doc_pages(root):
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def check_docs(root):
    for page in doc_pages(root):
        text = page.read_text()
        name = page.relative_to(root)
        for source, snippet, code in quoted_blocks(text):
            if source is None:
                yield f"{name}: a C++ block that is quoted from no compiled file: {code.splitlines()[0]}"
                continue
            whole = (root / source).read_text()
            wanted = snippets(whole).get(snippet) if snippet else whole
            if wanted is None or code.strip("\n") not in wanted:
                yield f"{name}: the block differs from {source}{'#' + snippet if snippet else ''}"
        prose = re.sub(r"```.*?```", "", text, flags=re.S)
        for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", prose):
            if re.match(r"[a-z]+:", target):
                continue
            path = page.parent / target if target else page
            if not path.exists():
                yield f"{name}: the link to {target} leads nowhere"
            elif anchor and path.suffix == ".md" and anchor not in anchors(path.read_text()):
                yield f"{name}: no heading for the link to {target}#{anchor}"
    yield from check_metric_names(root)


def check_formatting(root):
    tool = shutil.which("clang-format")
    if tool is None:
        print("tidy: formatting was skipped, since there is no clang-format here")
        sys.exit(77)
    files = [str(path) for path in sources(root)] + [str(root / "paracord.h")]
    result = subprocess.run([tool, "--dry-run", "-Werror", *files], capture_output=True, text=True)
    for name in sorted(set(re.findall(r"^(\S+?):\d+:\d+: error: code should be", result.stderr, re.M))):
        yield f"{name}: not formatted; run scripts/format"


# What may block a thread of the product. Calls that say that they do not wait are none.
BLOCKING = re.compile(r"(?<!\w)(futex_wait|shared_futex_wait|epoll_wait|recvmsg|waitpid|flock|sigwait|nanosleep|"
                      r"(?<!:)wait_for_end|(?<=detail::)wait_for_end|(?<![.>])poll|(?<![.>])recv|yield)\(|"
                      r"(?:\.|->)(wait|wait_for_slots|(?<!call\.)join)\(")
NOT_BLOCKING = re.compile(r"dontwait|MSG_DONTWAIT|WNOHANG|LOCK_NB|^\s*(?://|///|\*)|wait_for_work")
WAITING_FOLDERS = ("core", "memmap", "cache", "transport", "scheduler", "backends", "apps", "protocol", "workers", "node")


def blocking_calls(text):
    """The names of what a source calls that may block; its declarations of such functions are none."""
    names = set()
    for line in text.splitlines():
        if NOT_BLOCKING.search(line) or re.match(r"[\w:<>&*\s]+\b(?:void|bool|int|auto)\s+\w+\(", line):
            continue
        if re.match(r"\s*(?:inline |virtual |static |template |constexpr )*(?:void|bool|int|Status|Block\*|Came)\s+[\w:]+\(", line):
            continue
        names.update(a or b for a, b in BLOCKING.findall(line.split("//")[0]))
    return names


def check_waits(root):
    """Each blocking call has its row in docs/architecture.md, and each row its call."""
    rows = set(re.findall(r"^\| `([\w./]+)` \| `(\w+)` \|", (root / "docs/architecture.md").read_text(), re.M))
    calls = set()
    for path in sources(root):
        name = path.relative_to(root)
        if name.parts[0] in WAITING_FOLDERS:
            calls.update((str(name), call) for call in blocking_calls(path.read_text()))
    for name, call in sorted(calls - rows):
        yield f"{name}: `{call}` may wait, and docs/architecture.md (\"What waits\") does not say what ends that"
    for name, call in sorted(rows - calls):
        if call != "syscall":
            yield f"docs/architecture.md: {name} has no `{call}` (\"What waits\")"


CHECKS = {"layers": check_layers, "sizes": check_sizes, "words": check_words, "tests_mirror": check_tests_mirror,
          "waits": check_waits, "docs": check_docs, "formatting": check_formatting}


def main():
    root, check = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    findings = list(CHECKS[check](root))
    for finding in findings:
        print(finding)
    print(f"tidy: {check}: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
