"""Publish the schemas of machine output: `docs/schemas/*.json`, made from the structs that are encoded.

A test refuses files that are not up to date.
"""

from pathlib import Path
from typing import Any

import msgspec

from analysis.advice.plan import SCHEMA as PLAN
from analysis.advice.plan import Plan
from analysis.transfer.document import Document as Bandwidth
from tui.doctor import Report as DoctorReport
from tui.report.schema import Report
from tui.report.service_schema import Checked
from tuning.status import Trials

DIRECTORY = Path(__file__).parent.parent / "docs/schemas"
TOLD = {"type": "string", "description": "A sentence in the person's language."}


def schemas() -> dict[str, bytes]:
    """Return the files by name."""
    found = {
        "report": _schema(Report),
        "bandwidth": _schema(Bandwidth),
        "check": _schema(Checked),
        "doctor": _schema(DoctorReport),
        "plan": _plan(),
        "trials": _schema(Trials),
    }
    return {
        f"{name}.json": msgspec.json.format(msgspec.json.encode(schema)) + b"\n" for name, schema in found.items()
    }


def _schema(kind: type) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(kind)}


def _plan() -> dict[str, Any]:
    """Return the plan's schema as `analysis.advice.plan.rendered` prints it: sentences are told, nulls left out."""
    schema = _schema(Plan)
    schema["$defs"]["Sentence"] = TOLD
    plan = schema["$defs"]["Plan"]
    plan["properties"] = {"schema": {"const": PLAN}, **plan["properties"]}
    plan["required"] = ["schema", *plan["required"]]
    return schema


def main() -> None:
    """Write every file."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name, data in schemas().items():
        (DIRECTORY / name).write_bytes(data)


if __name__ == "__main__":
    main()
