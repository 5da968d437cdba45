"""RoCE: headers into columns, columns into flows, flows into a report and a verdict."""
