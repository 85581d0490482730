"""What check.py makes of a report: only a violated assertion is a violation, only a whole search a proof."""
import unittest

import check

END = "State-vector 60 byte, depth reached 40, errors: {errors}\n     1234 states, stored\n"


class Verdicts(unittest.TestCase):
    def test_a_whole_search_without_an_error_holds(self):
        self.assertEqual(check.verdict_of("Full statespace search for:\n" + END.format(errors=0)), ("holds", 1234))

    def test_a_large_count_is_read(self):
        report = END.format(errors=0).replace("1234", "1.9201381e+07")
        self.assertEqual(check.verdict_of(report), ("holds", 19201381))

    def test_a_violated_assertion(self):
        report = "pan:1: assertion violated (x>=1) (at depth 9)\nWarning: Search not completed\n" + END.format(errors=1)
        self.assertEqual(check.verdict_of(report), ("violated", 1234))

    def test_everything_else_is_trouble(self):
        for report in (
                "pan:1: invalid end state (at depth 9)\nWarning: Search not completed\n" + END.format(errors=1),
                "error: max search depth too small\n" + END.format(errors=0),
                "Warning: Search not completed\n" + END.format(errors=0),
                "pan: out of memory\n" + END.format(errors=0),
                "pan: reached -DMEMLIM bound\n" + END.format(errors=0),
                END.format(errors=1),
                "Segmentation fault\n",
                ""):
            with self.subTest(report=report), self.assertRaises(check.Trouble):
                check.verdict_of(report)


if __name__ == "__main__":
    unittest.main()
