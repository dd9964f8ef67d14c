#!/usr/bin/env python3
"""Writes the pool of types and functions of the random calls: C++ sources out of a seed.

Usage: pool.py SEED FOLDER FILES     writes FOLDER/pool_0.cc … and FOLDER/pool.cc
"""

import random
import sys

NUMBERS = ["bool", "char", "signed char", "std::uint8_t", "std::int16_t", "std::uint16_t", "int", "unsigned",
           "std::int64_t", "std::uint64_t", "float", "double", "long double", "std::byte", "Colour", "char16_t"]
ELEMENTS = ["double", "float", "int", "std::uint8_t", "std::int64_t", "Point", "std::complex<float>",
            "std::complex<long double>", "Wide"]
WRITTEN = ["double", "std::uint8_t", "int", "float"]  # elements of arrays that tasks write
KEYS = ["int", "std::uint64_t", "std::string", "std::int16_t", "Colour", "std::pair<int, std::string>"]
LEAVES = NUMBERS + ["std::string", "std::string", "std::u16string", "std::chrono::milliseconds",
                    "std::chrono::system_clock::time_point", "std::bitset<70>", "std::complex<double>",
                    "std::complex<long double>",
                    "std::monostate", "Nothing", "Point", "Wide"]


# Functions that can be cached ones, too: all leaves are their arguments over some pools.
CACHED_OF_A_FILE = 6


class Pool:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.structs = []

    def one_of(self, choices):
        return self.random.choice(choices)

    def leaf(self):
        return self.one_of(LEAVES)

    def type(self, depth, copyable=False):
        """A type that owns what it holds."""
        if depth == 0:
            return self.leaf()
        inner = lambda: self.type(depth - 1 - (self.random.random() < 0.4) * (depth > 1), copyable)
        shapes = [
            lambda: f"std::vector<{inner()}>",
            lambda: f"std::vector<{self.one_of(NUMBERS)}>",
            lambda: f"std::deque<{inner()}>",
            lambda: f"std::list<{inner()}>",
            lambda: f"std::forward_list<{inner()}>",
            lambda: f"std::set<{self.one_of(KEYS)}>",
            lambda: f"std::multiset<{self.one_of(KEYS)}>",
            lambda: f"std::map<{self.one_of(KEYS)}, {inner()}>",
            lambda: f"std::multimap<{self.one_of(KEYS)}, {self.leaf()}>",
            lambda: f"std::unordered_map<{self.one_of(KEYS[:3])}, {inner()}>",
            lambda: f"std::unordered_set<{self.one_of(KEYS[:3])}>",
            lambda: f"std::array<{inner()}, {self.random.randint(1, 5)}>",
            lambda: f"std::optional<{inner()}>",
            lambda: f"std::variant<{inner()}, {self.leaf()}, std::string>",
            lambda: f"std::pair<{inner()}, {self.leaf()}>",
            lambda: f"std::tuple<{inner()}, {self.leaf()}, {self.leaf()}>",
            lambda: f"std::shared_ptr<{inner()}>",
            lambda: f"Array<{self.one_of(ELEMENTS)}>",
            lambda: f"std::vector<Array<{self.one_of(ELEMENTS)}>>",
            lambda: self.struct(depth, copyable),
            lambda: self.struct(depth, copyable),
        ]
        if not copyable:
            shapes += [lambda: f"std::unique_ptr<{inner()}>", lambda: f"std::vector<std::unique_ptr<{inner()}>>"]
        return self.one_of(shapes)()

    def struct(self, depth, copyable):
        """An aggregate, or a class with serialize, save and load, or a codec of its own."""
        members = [self.type(self.random.randint(0, depth - 1), copyable) for _ in range(self.random.randint(1, 5))]
        name = f"Class{len(self.structs)}"
        kind = self.one_of(["aggregate", "aggregate", "serialize", "save_load", "codec", "derived"])
        base = f"std::vector<{self.one_of(NUMBERS)}>" if kind == "derived" else None
        self.structs.append((name, kind, base, members))
        return name

    def bound(self):
        """A class that does not travel: more than the container that it looks like, and no codec."""
        name = f"Class{len(self.structs)}"
        base = self.one_of(["std::vector<double>", "std::list<int>", "std::map<int, double>", "std::string"])
        self.structs.append((name, "bound", base, [self.leaf()]))
        return name

    def view(self):
        element = self.one_of(ELEMENTS)
        return self.one_of([f"std::span<const {element}>", f"ArrayView<const {element}>", "std::string_view"])

    def write_struct(self, name, kind, base, members):
        numbers = range(len(members))
        fields = ", ".join(f"m{i}" for i in numbers)
        lines = [f"struct {name} : {base} {{" if base else f"struct {name} {{"]
        lines += [f"  {member} m{i}{{}};" for i, member in enumerate(members)]
        lines += ["  std::uint64_t digest() const {", "    std::uint64_t all = 41;"]
        lines += [f"    all = mix(all, random::digest(m{i}));" for i in numbers]
        if base:
            lines += [f"    all = mix(all, random::digest(static_cast<const {base}&>(*this)));"]
        lines += ["    return all;", "  }"]
        lines += [f"  static {name} make(Maker& maker) {{", f"    {name} made;"]
        if base:
            lines += [f"    static_cast<{base}&>(made) = random::make<{base}>(maker);"]
        lines += [f"    made.m{i} = random::make<{member}>(maker);" for i, member in enumerate(members)]
        lines += ["    return made;", "  }"]
        archive = f"archive({fields})"
        if kind == "derived":
            lines += ["  template <class Archive>\n  void serialize(Archive& archive) {",
                      f"    archive(static_cast<{base}&>(*this), {fields});", "  }"]
        if kind == "serialize":
            lines += [f"  template <class Archive>\n  void serialize(Archive& archive) {{ {archive}; }}"]
        if kind == "save_load":
            lines += [f"  template <class Archive>\n  void save(Archive& archive) const {{ {archive}; }}",
                      f"  template <class Archive>\n  void load(Archive& archive) {{ {archive}; }}"]
        lines += ["};"]
        if kind == "codec":
            lines += ["}", f"template <>\nstruct paracord::Codec<paracord::testkit::random::{name}> {{",
                      f"  using T = paracord::testkit::random::{name};",
                      "  static void encode(Encoder& out, const T& value) {"]
            lines += [f"    detail::encode(out, value.m{i});" for i in numbers]
            lines += ["  }", "  static T decode(Decoder& in) {", "    T value;"]
            lines += [f"    value.m{i} = detail::decode<decltype(value.m{i})>(in);" for i in numbers]
            lines += ["    return value;", "  }", "};", "namespace paracord::testkit::random {"]
        return "\n".join(lines)


INCLUDES = """// Made by pool.py. Do not change.
#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "paracord/memmap/array_codec.h"
#include "paracord/testkit/random/function_of.h"
#include "paracord/testkit/random/pool_types.h"
#include "paracord/testkit/random/writer_of.h"

namespace paracord::testkit::random {

"""


def main():
    seed, folder, files = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    names = []
    total = set()
    per_file = 11
    leaves = sorted(set(LEAVES) - {"std::monostate", "Nothing"})
    random.Random(seed).shuffle(leaves)
    for file in range(files):
        pool = Pool(seed * 1000 + file)
        functions = []
        for number in range(per_file):
            cached = number < CACHED_OF_A_FILE
            # Move-only arguments now and then; results may always be.
            copyable = cached or pool.random.random() < 0.8
            a = pool.view() if pool.random.random() < 0.25 else pool.type(pool.random.randint(1, 3), copyable)
            b = pool.view() if pool.random.random() < 0.15 else pool.type(pool.random.randint(0, 2), copyable)
            r = "void" if pool.random.random() < 0.03 else pool.type(pool.random.randint(0, 3))
            if cached:  # by a leaf each, so that none is missing
                b = leaves.pop()
                a = pool.one_of([b, f"std::vector<{b}>"])
                r = pool.type(pool.random.randint(0, 2), True)
            travels = number != per_file - 1
            if not travels:
                a = pool.bound()
            functions.append((a, b, r, cached, travels))
            total.update({a, b, r})
        text = INCLUDES + "namespace {\n\n"
        for struct in pool.structs:
            body = pool.write_struct(*struct)
            # Specialisations of Codec stand outside the unnamed namespace.
            text += "}  // namespace\n" + body + "\nnamespace {\n\n"
        text = text.replace("Class", f"Class{file}_")
        entries = ""
        for number, (a, b, r, cached, travels) in enumerate(functions):
            a, b, r = (t.replace("Class", f"Class{file}_") for t in (a, b, r))
            name = f"f{file}_{number}"
            text += (f"{r} {name}(Orders orders, {a} a, {b} b) {{\n  carry_out(orders);\n"
                     f"  return work<{r}>(orders.seed, digest_of(a, b), orders.result_bytes);\n}}\n")
            if cached:
                text += (f"{r} c{name}(std::uint64_t seed, std::uint64_t bytes, {a} a, {b} b) {{\n"
                         f"  return work<{r}>(seed, digest_of(a, b), bytes);\n}}\n")
            remembered = f"&c{name}" if cached else "nullptr"
            entries += (f"  all.push_back(std::make_unique<FunctionOf<&{name}, {remembered}, {r}, {a}, {b}>>("
                        f"\"{r} {name}({a}, {b})\", {'true' if travels else 'false'}));\n")
        element = WRITTEN[file % len(WRITTEN)]
        entries += f"  all.push_back(std::make_unique<WriterOf<{element}>>(\"{element}\"));\n"
        text += f"\n}}  // namespace\n\nvoid add_functions_{file}(Functions& all) {{\n{entries}}}\n\n"
        text += "}  // namespace paracord::testkit::random\n"
        open(f"{folder}/pool_{file}.cc", "w").write(text)
        names.append(f"add_functions_{file}")
    text = '#include "paracord/testkit/random/function.h"\n\nnamespace paracord::testkit::random {\n\n'
    text += "".join(f"void {name}(Functions& all);\n" for name in names)
    text += "\nconst Functions& pool() {\n  static const Functions functions = [] {\n    Functions all;\n"
    text += "".join(f"    {name}(all);\n" for name in names)
    text += "    return all;\n  }();\n  return functions;\n}\n\n"
    text += f"std::string pool_text() {{\n  return \"pool {seed}: {len(total)} types\";\n}}\n\n"
    text += "}  // namespace paracord::testkit::random\n"
    open(f"{folder}/pool.cc", "w").write(text)


main()
