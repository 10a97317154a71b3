#!/usr/bin/env python3
"""Tests of the scripts in this folder: each must see what it is there to see. Run by ./test, or by hand."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_docs
import check_layers
import count_tests


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, name: str, text: str) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def said_by(self, function, *arguments) -> tuple[int, str]:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = function(*arguments)
        return status, said.getvalue()


class CountTests(InFolder):
    def test_ctest_tells_a_skipped_test_from_one_that_could_not_start(self):
        report = self.write("ctest.xml", """<testsuite>
            <testcase name="a" status="run"/>
            <testcase name="b" status="fail"><failure message=""/></testcase>
            <testcase name="c" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>
            <testcase name="d" status="disabled"/>
            <testcase name="e_NOT_BUILT" status="notrun"><skipped message="Unable to find executable"/></testcase>
            <testcase name="f" status="notrun"><skipped message="Fixture dependency failed"/></testcase>
            </testsuite>""")
        self.assertEqual(count_tests.count_ctest(report), (1, 3, 2))

    def test_vitest_counts_a_file_that_does_not_load_as_failed(self):
        report = self.write("vitest.json", """{"numPassedTests": 4, "numFailedTests": 1, "numPendingTests": 2, "numTodoTests": 1,
            "testResults": [{"status": "failed", "assertionResults": []},
                            {"status": "failed", "assertionResults": [{"status": "skipped"}]},
                            {"status": "failed", "assertionResults": [{"status": "passed"}, {"status": "failed"}]},
                            {"status": "passed", "assertionResults": [{"status": "passed"}]}]}""")
        self.assertEqual(count_tests.count_vitest(report), (4, 3, 3))

    def test_a_report_that_is_missing_or_cut_short_is_a_failure(self):
        for path in (str(self.root / "none"), self.write("cut.json", '{"numPassedTests": 4')):
            _, said = self.said_by(count_tests.main, "vitest", path)
            self.assertEqual(said.splitlines()[-1], "0 1 0")


class CheckLayers(InFolder):
    def check(self, name: str, text: str) -> int:
        self.write("src/" + name, text)
        table = self.write("layers.txt", "base: \nmodel: base\n")
        return self.said_by(check_layers.main, table, str(self.root / "src"))[0]

    def test_an_include_follows_the_layers_or_fails(self):
        self.assertEqual(self.check("model/a.cc", '#include "base/x.h"\n#include "hwy/highway.h"\n#include <vector>\n'), 0)
        self.assertEqual(self.check("base/a.cc", '#include "model/x.h"\n'), 1)

    def test_an_include_is_spelled_from_src(self):
        self.assertEqual(self.check("model/a.cc", '#include "x.h"\n'), 1)

    def test_only_tests_see_the_support_of_tests(self):
        self.assertEqual(self.check("model/a_test.cc", '#include "support/x.h"\n'), 0)
        self.assertEqual(self.check("model/a.cc", '#include "support/x.h"\n'), 1)


class CheckDocs(InFolder):
    def problems(self, text: str) -> int:
        self.write("README.md", text)
        return self.said_by(check_docs.main, self.root)[0]

    def test_links_lead_to_files_and_headings(self):
        self.write("docs/a.md", "# Big `title` & more\n")
        self.assertEqual(self.problems("[x](docs/a.md) [y](docs/a.md#big-title--more) [z](https://nowhere.invalid/)"), 0)
        self.assertEqual(self.problems("[x](docs/b.md)"), 1)
        self.assertEqual(self.problems("[x](docs/a.md#small-title)"), 1)
        self.assertEqual(self.problems('<img src="docs/a.png">'), 1)

    def test_code_is_not_read_as_links(self):
        self.assertEqual(self.problems("`[x](nope.md)`\n```\n[x](nope.md)\n# no heading\n```\n"), 0)

    def test_a_cited_definition_exists(self):
        self.write("docs/definitions.md", "## D7: nucleus\n")
        self.write("src/a.cc", "// [D7] keeps the shortest prefix\n")
        self.assertEqual(self.problems("[D7]"), 0)
        self.write("src/a.cc", "// [D7, D8] is nowhere\n")
        self.assertEqual(self.problems("[D7]"), 1)

    def test_a_definition_is_cited_by_code(self):
        self.write("docs/definitions.md", "| D7 | nucleus |\n| D8 | draw |\n")
        self.write("src/a.cc", "// [D7]\n")
        self.assertEqual(self.problems("[D8]"), 1)  # by a document alone is not enough
        self.write("src/a.cc", "// [D7], [D8]\n")
        self.assertEqual(self.problems("[D8]"), 0)

    def test_a_checkout_without_documents_is_a_failure(self):
        self.assertEqual(self.said_by(check_docs.main, self.root)[0], 1)


if __name__ == "__main__":
    unittest.main()
