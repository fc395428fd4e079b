"""The HTML page of a report: its template, styles and scripts, and the data that they are given."""
