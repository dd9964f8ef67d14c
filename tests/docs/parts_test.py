#!/usr/bin/env python3
"""Tests of docs/site: links are turned to where pages are, broken ones are found, declarations are read."""

import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "docs/site"))
import assemble  # noqa: E402
import check_links  # noqa: E402
import reference  # noqa: E402


class Site(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()

    def write(self, files):
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def test_links_lead_to_pages_of_the_site(self):
        self.write({"README.md": "[a](docs/a.md#x) [c](LICENSE)\n```sh\n[a](docs/a.md)\n```\n",
                    "docs/a.md": "[home](../README.md) [code](../examples/x.cc) [web](https://a.b) ![p](p.png)",
                    "docs/p.png": "", "examples/x.cc": "int x;\n", "LICENSE": "free\n"})
        site = assemble.Site(self.root, self.root / "out")
        site.copy(self.root / "README.md", "index.md")
        site.copy(self.root / "docs/a.md", "a.md")
        pages = self.root / "out/pages"
        self.assertEqual((pages / "index.md").read_text(),
                         "[a](a.md#x) [c](sources/LICENSE.md)\n```sh\n[a](docs/a.md)\n```\n")
        self.assertEqual((pages / "a.md").read_text(),
                         "[home](index.md) [code](sources/examples/x.cc.md) [web](https://a.b) ![p](p.png)")
        self.assertIn("int x;", (pages / "sources/examples/x.cc.md").read_text())
        self.assertTrue((pages / "p.png").exists())

    def test_sections_of_other_pages_are_included(self):
        self.write({"README.md": "# R\n\n## Figures\n\n1 [a](docs/b.md)\n\n### More\n\n2\n\n## End\n",
                    "docs/b.md": "<!-- included: ../README.md#figures -->\n"})
        site = assemble.Site(self.root, self.root / "out")
        site.copy(self.root / "docs/b.md", "b.md")
        self.assertEqual((self.root / "out/pages/b.md").read_text(), "1 [a](b.md)\n\n### More\n\n2\n")

    def test_broken_links_and_foreign_files_are_found(self):
        self.write({"a.html": '<a href="b.html#here">1</a><a href="b.html#gone">2</a><a href="c.html">3</a>'
                              '<a href="https://x.y">4</a><script src="https://x.y/z.js"></script>',
                    "b.html": '<h2 id="here">h</h2>'})
        found = list(check_links.findings(self.root))
        self.assertEqual(len(found), 3, found)

    def test_declarations_look_as_they_are_written(self):
        member = xml.fromstring(
            '<memberdef kind="function" static="no" virt="non-virtual" explicit="no"><templateparamlist><param>'
            "<type>class T</type></param></templateparamlist><type>Array&lt; T &gt;</type><name>make</name>"
            "<argsstring>(const T &amp;value, int n=2)</argsstring></memberdef>")
        self.assertEqual(reference.declaration(member),
                         "template <class T>\nArray<T> make(const T& value, int n = 2);")

    def test_labels_of_comments_begin_paragraphs(self):
        node = xml.fromstring("<d><para>Does it. Threads: any. Errors: none of &lt;these_all&gt;.</para></d>")
        self.assertEqual(reference.prose(node),
                         "Does it. \n\n**Threads:** any. \n\n**Errors:** none of &lt;these\\_all&gt;.")


if __name__ == "__main__":
    unittest.main()
