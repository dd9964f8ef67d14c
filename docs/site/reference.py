"""Pages of reference, in Markdown, from the XML that Doxygen makes of the public headers."""

import collections
import html
import pathlib
import re
import xml.etree.ElementTree as xml

# Title, and the headers whose public names are on the page.
PAGES = {
    "parallel": ("Parallel loops", ["core/parallel.h", "core/options.h", "core/delayed.h", "core/argument.h", "core/task.h",
                                    "core/task_range_argument.h", "core/generator.h", "core/outcome.h", "core/worker.h"]),
    "settings": ("Defaults, backends by name, CPUs", ["core/config.h", "core/registry.h", "core/backend_options.h",
                                                      "core/initializer.h", "core/cpu_count.h"]),
    "errors": ("Errors", ["core/errors.h", "core/register_exception.h"]),
    "observer": ("Seeing what happens", ["core/observer.h"]),
    "backends": ("Built-in backends", ["backends/worker/initialize.h", "backends/threads/threads.h",
                                       "backends/processes/processes.h", "backends/zeromq/zeromq.h",
                                       "backends/sequential/sequential.h"]),
    "arrays": ("Arrays", ["memmap/array.h", "memmap/array_view.h", "memmap/shape.h", "memmap/slice.h", "memmap/eigen.h",
                          "memmap/xtensor.h"]),
    "persistence": ("Files, compression, digests", ["memmap/persist.h", "memmap/compressor.h", "memmap/byte_stream.h",
                                                    "memmap/hash.h", "memmap/digest.h"]),
    "cache": ("Functions that remember", ["cache/memory.h", "cache/cached_function.h", "cache/shelved.h",
                                          "cache/parameters.h", "cache/size_limits.h", "cache/cache.h",
                                          "cache/entry_info.h", "cache/store_backend.h"]),
    "codec": ("Values that travel", ["core/codec_base.h", "core/codec_kinds.h", "core/encoder.h", "core/message_memory.h"]),
    "backend": ("For authors of backends", ["core/backend.h", "core/batch.h", "core/remote_tasks.h", "core/auto_batching.h",
                                            "core/status.h"]),
    "testkit": ("Test kit", ["testkit/conformance.h", "testkit/random_calls.h", "testkit/manual_backend.h",
                             "testkit/in_memory_store.h"]),
}
# Installed, since other headers or this project's tests need them; not for users.
NOT_SHOWN = {"testkit/conformance_gtest.h", "testkit/message_names.h", "testkit/recorder.h", "testkit/rules.h",
             "testkit/shared_book.h", "testkit/simulated_book.h", "testkit/simulated_cluster.h",
             "testkit/simulated_node.h", "testkit/simulated_program.h", "testkit/simulated_workers.h", "testkit/simulated_world.h"}
NOT_SHOWN |= {f"testkit/random/{name}.h" for name in ("check", "child", "collect", "digest", "draw", "function", "function_of", "make", "orders", "plan",
                                                      "pool_types", "run", "subjects", "temporary", "writer_of")}

LABELS = r"(?:(?<=^)|(?<=[.;)] ))(Threads|Owns|Errors|Example|Why not(?: [^.:]{0,60})?):\s"


class Symbol:
    """A class with its members, or a group of functions of one name."""

    def __init__(self, name, kind, refid, file, line):
        self.name, self.kind, self.refid, self.file, self.line = name, kind, refid, file, line
        self.declaration, self.text, self.members = "", "", []


def tidy_code(code):
    """Doxygen's spacing, as the project writes it."""
    code = re.sub(r"\s+", " ", code).strip()
    code = re.sub(r"< (?=\S)", "<", code)
    code = re.sub(r"(?<=[\w>*&.)\]]) >", ">", code)
    code = re.sub(r" (&&?|\*)(?=\w)", r"\1 ", code)
    code = re.sub(r" (&&?|\*)(?=[,)>]|$)", r"\1", code)
    return re.sub(r"(?<=[^\s=!<>+*/|&^-])=(?=[^\s=])", " = ", code)


def plain(node):
    return "" if node is None else "".join(node.itertext())


def template_line(node):
    parameters = node.find("templateparamlist")
    if parameters is None:
        return ""
    listed = [tidy_code(" ".join(filter(None, [plain(p.find("type")), plain(p.find("declname"))])) +
                        ("" if p.find("defval") is None else " = " + plain(p.find("defval"))))
              for p in parameters.findall("param")]
    line = f"template <{', '.join(listed)}>\n"
    requires = node.find("requiresclause")
    return line if requires is None else line + "requires " + tidy_code(plain(requires)) + "\n"


def escape(text):
    """Words that mean nothing to Markdown."""
    return re.sub(r"([*_|])", r"\\\1", html.escape(text or "", quote=False))


def prose(node):
    """Markdown of a description."""
    if node is None:
        return ""
    def inline(part):
        text = escape(part.text)
        for child in part:
            if child.tag == "computeroutput":
                text += f"`{plain(child)}`"
            elif child.tag in ("ulink", "ref"):
                text += f"`{plain(child)}`"
            elif child.tag in ("emphasis", "bold"):
                text += f"*{plain(child)}*"
            elif child.tag in ("itemizedlist", "orderedlist"):
                text += "\n\n" + "\n".join("- " + inline(item.find("para")) for item in child.findall("listitem")) + "\n\n"
            elif child.tag in ("verbatim", "programlisting"):
                text += "\n\n```cpp\n" + "\n".join(plain(line) for line in child) + "\n```\n\n"
            else:
                text += inline(child)
            text += escape(child.tail)
        return text
    paragraphs = [re.sub(LABELS, r"\n\n**\1:** ", inline(para).strip()) for para in node.findall("para")]
    return "\n\n".join(filter(None, (paragraph.strip() for paragraph in paragraphs)))


def description(node):
    return "\n\n".join(filter(None, (prose(node.find("briefdescription")), prose(node.find("detaileddescription")))))


def declaration(member):
    kind, name = member.get("kind"), member.findtext("name")
    kind_type = tidy_code(plain(member.find("type")))
    start = template_line(member)
    if kind == "function":
        word = "static " if member.get("static") == "yes" else ""
        word += "virtual " if member.get("virt") != "non-virtual" else ""
        word += "explicit " if member.get("explicit") == "yes" else ""
        joint = " " if kind_type else ""
        end = tidy_code(plain(member.find("argsstring")))
        return f"{start}{word}{kind_type}{joint}{name}{end};"
    if kind == "typedef":
        return start + re.sub(r"^using \S+(?=::)::(?=\w+ =)", "using ", tidy_code(plain(member.find("definition")))).replace("= typedef ", "= ") + ";"
    if kind == "enum":
        values = [value.findtext("name") for value in member.findall("enumvalue")]
        return f"enum class {name} {{ {', '.join(values)} }};"
    value = tidy_code(plain(member.find("initializer")))
    return f"{start}{kind_type} {name}{' ' + value if value.startswith('=') else value};"


def read(folder):
    """Public names of namespace paracord: file → symbols, in the order of the file."""
    symbols = collections.defaultdict(list)
    nested = []
    for path in sorted(pathlib.Path(folder).glob("*.xml")):
        for compound in xml.parse(path).getroot().findall("compounddef"):
            kind, name = compound.get("kind"), compound.findtext("compoundname")
            if kind in ("class", "struct") and "<" not in name and compound.get("prot") == "public":
                symbol = read_class(compound, kind, name)
                inner = name.removeprefix("paracord::").removeprefix("testkit::")
                (nested if "::" in inner else symbols[symbol.file]).append(symbol)
            elif kind == "namespace":
                read_free(compound, symbols)
    for symbol in nested:  # a class inside another one stands after it
        symbols[symbol.file].append(symbol)
    for listed in symbols.values():
        listed.sort(key=lambda symbol: symbol.line)
    return symbols


def place(node):
    location = node.find("location")
    return location.get("file"), int(location.get("line"))


def read_class(compound, kind, name):
    symbol = Symbol(name.removeprefix("paracord::").removeprefix("testkit::"), kind, compound.get("id"), *place(compound))
    bases = [tidy_code(plain(base)) for base in compound.findall("basecompoundref") if "detail::" not in plain(base)]
    symbol.declaration = (f"{template_line(compound)}{kind} {symbol.name.split('::')[-1]}"
                          f"{' : public ' + ', '.join(bases) if bases else ''};")
    symbol.text = description(compound)
    members = [member for section in compound.findall("sectiondef") for member in section.findall("memberdef")
               if member.get("prot") == "public" and member.get("kind") in ("function", "variable", "typedef", "enum")]
    symbol.members = sorted(members, key=lambda member: place(member)[1])
    return symbol


def read_free(compound, symbols):
    for member in compound.iter("memberdef"):
        file, line = place(member)
        if "<" in member.findtext("name") or member.get("kind") not in ("function", "variable", "typedef", "enum"):
            continue
        group = next((s for s in symbols[file] if s.kind == "free" and s.name == member.findtext("name")), None)
        if group is None:
            group = Symbol(member.findtext("name"), "free", member.get("id"), file, line)
            symbols[file].append(group)
        group.members.append(member)
        group.line = min(group.line, line)
        group.members.sort(key=lambda one: place(one)[1])


def member_blocks(members):
    """Declarations with their texts. A function without a comment goes with the one before, as overloads do."""
    blocks, declarations, text = [], [], ""
    def flush():
        if declarations:
            blocks.append("```cpp\n" + "\n".join(declarations) + "\n```\n\n" + text)
    for member in members:
        words = description(member)
        code = declaration(member)
        if words or member.get("kind") == "enum" or (text and member.get("kind") == "variable"):
            flush()
            declarations, text = [], words
            values = [(v.findtext("name"), description(v)) for v in member.findall("enumvalue")]
            if any(words for _, words in values):
                text += "\n\n" + "\n".join(f"- `{name}`: {words}" for name, words in values if words)
        declarations.append(code)
    flush()
    return blocks


def symbol_markdown(symbol):
    lines = [f"## {symbol.name} {{ #{symbol.refid} }}", ""]
    if symbol.kind != "free":
        lines += ["```cpp", symbol.declaration, "```", "", symbol.text, ""]
    lines += member_blocks(symbol.members)
    return "\n".join(lines) + "\n"


def pages(folder):
    """(name of the page, its Markdown); raises SystemExit for a header whose public names are on no page."""
    symbols = read(folder)
    for page, (title, headers) in PAGES.items():
        parts = [f"# {title}\n"]
        for header in headers:
            if header not in symbols:
                raise SystemExit(f"docs: {header} has no public name, and is listed for reference/{page}")
            parts.append(f"`#include <paracord/{header}>`\n")
            parts += [symbol_markdown(symbol) for symbol in symbols.pop(header)]
        yield f"reference/{page}.md", title, "\n".join(parts)
    left = [header for header, names in symbols.items() if names and header not in NOT_SHOWN]
    if left:
        raise SystemExit(f"docs: on no page of docs/site/reference.py: {', '.join(sorted(left))}")
