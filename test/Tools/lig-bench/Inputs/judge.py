"""Rows of peers that err, checked without running one.

  judge.py LIG_BENCH_FOLDER
"""
import sys
import unittest
import xml.etree.ElementTree

import numpy as np

sys.path.insert(0, sys.argv.pop(1))
import measure
import plot
import report


def row(median, agrees=True, **more):
    return {"median_us": median, "spread": 0.01, "agrees": agrees, "difference": 1.0,
            "load_ms": 1.0, "first_ms": 1.0, "peak_kb": 10, "artefact_bytes": 5, **more}


class Judge(unittest.TestCase):
    def outputs(self, **values):
        return {peer: {"y": np.array(v, np.float32)} for peer, v in values.items()}

    def agreeing(self, **values):
        verdicts = measure.judge(self.outputs(**values))
        return [peer for peer, (_, agrees) in verdicts.items() if agrees]

    def test_all_agree_within_the_tolerance(self):
        self.assertEqual(self.agreeing(a=[1, 2], b=[1, 2.0001]), ["a", "b"])

    def test_one_that_errs_alone_is_marked(self):
        self.assertEqual(self.agreeing(a=[1, 2], b=[1, 2], c=[1, 3]), ["a", "b"])

    def test_two_that_differ_are_both_marked(self):
        self.assertEqual(self.agreeing(a=[1, 2], b=[1, 3]), [])

    def test_shape_and_nan_count(self):
        self.assertEqual(self.agreeing(a=[1, 2], b=[[1, 2]]), [])
        self.assertEqual(self.agreeing(a=[1, 2], b=[1, np.nan]), [])


class Pages(unittest.TestCase):
    rows = {"ligature": row(2.0), "ort": row(4.0), "openvino": row(1.0, agrees=False),
            "jax": {"error": "first line\nno LSTM | here"}}
    results = {"cases": [{"network": "net", "threads": 1, "rows": rows}]}

    def test_a_wrong_peer_is_not_the_fastest(self):
        self.assertEqual(report.fastest_peer(self.rows), "ort")
        self.assertEqual(report.ratio(self.rows), 2.0)

    def test_the_table_says_what_failed_and_what_differs(self):
        text = report.table(self.results)
        self.assertIn("**differs: 1.0e+00**", text)
        self.assertIn("no LSTM / here", text)
        self.assertEqual(len({line.count("|") for line in text.splitlines()}), 1)

    def test_the_footprint_counts_what_is_right_and_least(self):
        rows = {"ligature": row(2.0, peak_kb=2048), "ort": row(4.0, peak_kb=3072),
                "openvino": row(1.0, agrees=False, peak_kb=1024)}
        results = {"peers": dict.fromkeys(rows), "cases": [
            {"network": "net", "threads": 1, "rows": rows},
            {"network": "other", "threads": 2, "rows": rows}]}
        text = report.footprint(results, 1)
        self.assertIn("| net | 2 | 3 |  | 2 | 2 |  |", text)
        self.assertNotIn("other", text)
        self.assertIn("peak MiB: the least on 1 of 1 networks", text)
        self.assertIn("first result ms: the least on 0 of 1 networks", text)

    def test_the_chart_is_xml_without_wrong_rows(self):
        chart = plot.speed_chart([("net", self.rows)], report.fastest_peer, "a < b")
        bars = xml.etree.ElementTree.fromstring(chart).findall(".//{*}rect")
        self.assertEqual(sum(bar.get("height") == str(plot.BAR - 1) for bar in bars), 2)


unittest.main()
