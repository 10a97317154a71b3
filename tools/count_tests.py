#!/usr/bin/env python3
"""Prints "PASSED FAILED SKIPPED" for a report that a test runner left behind.

    count_tests.py ctest FILE     ctest --output-junit FILE
    count_tests.py vitest FILE    vitest --reporter=json --outputFile.json=FILE

A report that is missing or unreadable counts as one failure: a runner that crashed must not look like one with nothing to do.
"""
import json
import sys
import xml.etree.ElementTree as xml

# ctest calls "notrun" both what a test skipped by itself and what it could not start; only the message tells them apart.
SKIPPED = ("SKIP_REGULAR_EXPRESSION_MATCHED", "SKIP_RETURN_CODE")


def count_ctest(path: str) -> tuple[int, int, int]:
    passed = failed = skipped = 0
    for case in xml.parse(path).getroot().iter("testcase"):
        note = case.find("skipped")
        if case.get("status") == "run":
            passed += 1
        elif case.get("status") == "disabled" or (note is not None and note.get("message", "").startswith(SKIPPED)):
            skipped += 1
        else:
            failed += 1
    return passed, failed, skipped


def count_vitest(path: str) -> tuple[int, int, int]:
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    # A file that does not load, or whose set-up fails, has failed without a failed test of its own.
    broken = sum(1 for file in report["testResults"]
                 if file["status"] == "failed" and all(test["status"] != "failed" for test in file["assertionResults"]))
    return report["numPassedTests"], report["numFailedTests"] + broken, report["numPendingTests"] + report["numTodoTests"]


def main(kind: str, path: str) -> None:
    try:
        counts = {"ctest": count_ctest, "vitest": count_vitest}[kind](path)
    except (OSError, ValueError, KeyError, xml.ParseError) as error:
        print(f"count_tests.py: no counts in {path}: {error}", file=sys.stderr)
        counts = (0, 1, 0)
    print(*counts)


if __name__ == "__main__":
    main(*sys.argv[1:3])
