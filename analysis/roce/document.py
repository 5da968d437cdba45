"""The `longpipe.roce/1` document as plain data, sentences told in the language asked for."""

from collections.abc import Callable
from typing import Any

import msgspec

from analysis.roce.schema import SCHEMA, Report
from analysis.roce.verdict import Verdict
from analysis.text import Sentence


def document(file: str, report: Report, verdict: Verdict, tell: Callable[[Sentence], str]) -> dict[str, Any]:
    """Return what `longpipe roce --json` prints: fields in the order of the schema."""
    body = msgspec.to_builtins(report)
    body["capture"]["problems"] = [tell(problem) for problem in report.capture.problems]
    body["verdict"] = {
        "severity": verdict.severity,
        "code": verdict.code,
        "text": tell(verdict.text),
        "evidence": [tell(sentence) for sentence in verdict.evidence],
        "not_observable": [tell(sentence) for sentence in verdict.not_observable],
    }
    return {"schema": SCHEMA, "file": file, **body}
