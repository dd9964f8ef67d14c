#!/usr/bin/env python3
"""Tests of tidy.py: each check finds what it is there to find."""

import pathlib
import tempfile
import unittest

import tidy


class Tidy(unittest.TestCase):
    def tree(self, files):
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    def test_layers_are_read_and_held(self):
        table = tidy.read_layers('set(PARACORD_LAYER_core "")\nset(PARACORD_LAYER_memmap core)\n')
        self.assertEqual(table, {"core": set(), "memmap": {"core"}})
        allowed = '#include "paracord/core/a.h"\n#include <vector>\n'
        self.assertEqual(list(tidy.layer_findings("memmap", allowed, table)), [])
        self.assertEqual(len(list(tidy.layer_findings("core", '#include "paracord/memmap/a.h"', table))), 1)
        self.assertEqual(len(list(tidy.layer_findings("core", '#include "a.h"', table))), 1)

    def test_long_functions_are_found(self):
        text = "namespace a {\nclass B {\n int x;\n};\nvoid f() {\n" + "  g();\n" * 80 + "}\n}\n"
        self.assertEqual(list(tidy.function_lengths(text)), [(5, 82)])
        root = self.tree({"core/a.cc": text})
        self.assertEqual(len(list(tidy.check_sizes(root))), 1)

    def test_blocking_calls_need_a_row(self):
        files = {"core/a.cc": "void f() {\n  futex_wait(a, b, c);\n  event.wait(ready);\n  recv(s, MSG_DONTWAIT);\n}\n",
                 "docs/architecture.md": "| `core/a.cc` | `wait` | x |\n| `core/b.cc` | `poll` | x |\n"}
        findings = list(tidy.check_waits(self.tree(files)))
        self.assertEqual(len(findings), 2)
        self.assertIn("futex_wait", findings[0])
        self.assertIn("core/b.cc", findings[1])

    def test_long_files_are_found(self):
        root = self.tree({"core/a.h": "#pragma once\n" * 300, "core/backend.h": "#pragma once\n" * 121})
        self.assertEqual(len(list(tidy.check_sizes(root))), 2)

    def test_banned_words_are_found_outside_comments(self):
        root = self.tree({"core/a.cc": "std::mutex m;\n// std::mutex\n", "tests/b.cc": "std::mutex m;\n"})
        self.assertEqual(len(list(tidy.check_words(root))), 1)

    def test_sources_without_tests_and_tests_without_targets_are_found(self):
        root = self.tree({"paracord.h": "", "core/a.h": "", "core/b.h": "", "tests/core/CMakeLists.txt": "a_test.cc",
                          "tests/core/a_test.cc": '#include "paracord/core/a.h"\n', "tests/core/c_test.cc": ""})
        self.assertEqual(sorted(tidy.check_tests_mirror(root)),
                         ["core/b.h: no test reaches it", "tests/core/c_test.cc: no target builds it"])

    def test_docs_quote_compiled_code(self):
        root = self.tree({
            "README.md": "<!-- quoted: examples/a.cc#one -->\n```cpp\nint x;\n```\n```cpp\nint y;\n```\n[gone](no.md)\n",
            "docs/b.md": "<!-- quoted: examples/a.cc#one -->\n```cpp\nint z;\n```\n",
            "examples/a.cc": "// [one]\nint x;\n// [one]\n"})
        findings = list(tidy.check_docs(root))
        self.assertEqual(len(findings), 3, findings)

    def test_links_to_headings_and_quotes_of_any_file_are_checked(self):
        root = self.tree({
            "README.md": "[a](docs/b.md#two-words) [b](docs/b.md#gone) [c](#top) ![d](docs/b.md)\n# Top\n",
            "docs/b.md": "## Two words\n<!-- quoted: x/Dockerfile -->\n```dockerfile\nFROM a\n```\n"
                         "<!-- quoted: x/Dockerfile -->\n```dockerfile\nFROM b\n```\n```sh\nls\n```\n",
            "x/Dockerfile": "FROM a\n"})
        self.assertEqual(list(tidy.check_docs(root)),
                         ["README.md: no heading for the link to docs/b.md#gone", "docs/b.md: the block differs from x/Dockerfile"])

    def test_metrics_are_those_that_the_docs_explain(self):
        root = self.tree({"README.md": "", "apps/metrics.cc": 'page.gauge("a", 1); page.counter(\n "b_total", 2);',
                          "docs/operations.md": "`paracord_a`, rate(paracord_c_bucket[1m])"})
        self.assertEqual(list(tidy.check_docs(root)), ["docs/operations.md: says nothing of paracord_b_total",
                                                       "docs/operations.md: no daemon has paracord_c"])


if __name__ == "__main__":
    unittest.main()
