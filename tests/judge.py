# SPDX-License-Identifier: GPL-2.0
"""Tests of the gate on recorded logs, of the table, and of the matrix; run by judge.bats."""
import os
import re
import sys
import unittest
from defer import judge, lib, matrix, patches

LOGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "logs")
EXPECTED = lib.read(os.path.join(LOGS, "expect")).split("\n")[:-1]


def log(name):
    return os.path.join(LOGS, name + ".log")


def faults(name, expected=EXPECTED, allowed=(), suite=None):
    return judge.judge(log(name), expected, allowed, suite)[0]


class Gate(unittest.TestCase):
    def test_every_log_comes_to_its_verdict(self):
        lines = [line for line in lib.read(os.path.join(LOGS, "verdicts")).split("\n") if line and line[0] != "#"]
        self.assertGreaterEqual(len(lines), 18)
        for line in lines:
            name, verdict = line.split(None, 1)
            with self.subTest(name):
                found = "\n".join(faults(name))
                self.assertEqual(found, "") if verdict == "pass" else self.assertIn(verdict.strip(), found)

    def test_each_fault_is_caught_by_a_condition_of_its_own(self):
        # These logs break one rule only: were its condition gone, they would pass.
        for name in "no-plan warn timeout missing-test extra-test wrong-number".split():
            with self.subTest(name):
                self.assertEqual(len(faults(name)), 1)

    def test_a_declared_warning_is_allowed_and_no_other(self):
        self.assertEqual(faults("warn", allowed=["WARNING: .*really_probe"]), [])
        for other in ("WARNING: .*elsewhere", ""):
            self.assertIn("splat", faults("warn", allowed=[other])[0])

    def test_one_suite_only(self):
        self.assertIn("not expected: iommu_defer.needs_a_disk", faults("good", suite="iommu_defer_boot")[0])

    def test_nothing_expected_is_no_pass_and_any_name_is_one(self):
        self.assertIn("nothing is expected", "\n".join(faults("good", [])))
        self.assertEqual(faults("extra-test", None), [])
        self.assertIn("twice", "\n".join(faults("twice", None)))

    def test_each_result_has_its_full_name(self):
        results = judge.Ktap(judge.text_of(log("good"))).results
        self.assertIn(("PASS", "iommu_defer.one_specifier.not probed, before"), results)
        self.assertIn(("SKIP", "iommu_defer.needs_a_disk"), results)

    def test_suites_that_came_to_their_end(self):
        self.assertEqual(judge.Ktap(judge.text_of(log("good"))).suites, ["iommu_defer", "iommu_defer_boot"])
        self.assertNotIn("iommu_defer", judge.Ktap(judge.text_of(log("timeout-midway"))).suites)


class Table(unittest.TestCase):
    def test_aligned_marked_and_counted(self):
        text = judge.table(log("unwanted-decision"), "toy arm")
        self.assertIn("  node disabled, before the end of init      no IOMMU       no IOMMU", text)
        self.assertIn("  driver not probed, before the end of init  -EPROBE_DEFER  no IOMMU   <- not as wanted", text)
        self.assertIn("2 decisions, 1 not as wanted", text)
        self.assertIn("2 decisions, 0 not as wanted", judge.table(log("good-crlf"), ""))
        self.assertIn("no decision was printed", judge.table(log("empty"), ""))


class Rows(unittest.TestCase):
    def setUp(self):
        self.m = matrix.Matrix("toy", "arm")
        self.m.columns = ["0", "1", "2", "R"]
        self.m.rows = {"a.t.C1 x": "F...", "a.t.C2 x": "F...", "a.t.C3 x": "F...", "a.u": "XF..", "b.v": "..F.", "c.w": "---."}

    def test_turned_reached_broken(self):
        self.assertEqual(self.m.turned(1), {"a.t.C1 x", "a.t.C2 x", "a.t.C3 x"})
        self.assertEqual(self.m.turned(2), {"a.u"})
        self.assertEqual(self.m.reached(1), set())
        self.assertEqual(list(self.m.broken()), [("2", "b.v")])

    def test_names_of_a_column(self):
        self.assertNotIn("c.w", self.m.names())
        self.assertIn("c.w", self.m.names(rfc=True))

    def test_whole_tests_are_starred_and_archs_named(self):
        everything = {"arm": set(self.m.rows), "arm64": set(self.m.rows)}
        both = matrix.by_arch({"arm": self.m.turned(1), "arm64": self.m.turned(1) - {"a.t.C1 x"}}, everything)
        self.assertEqual(both, ["a.t.* (arm)", "a.t.C2 x (arm64)", "a.t.C3 x (arm64)"])


class Mails(unittest.TestCase):
    def test_place_moves_later_hunks(self):
        part = "diff --git a/f b/f\nindex 1..2 100644\n@@ -1,2 +1,3 @@ a\n x\n+y\n z\n@@ -9 +10 @@ b\n-c\n+d\n"
        self.assertEqual(re.findall("@@.*@@|index.*", patches.place(part, "a", "b", ["5", "19"])),
                         ["index a..b 100644", "@@ -5,2 +5,3 @@", "@@ -19 +20 @@"])


if __name__ == "__main__":
    sys.exit(not unittest.main(exit=False).result.wasSuccessful())
