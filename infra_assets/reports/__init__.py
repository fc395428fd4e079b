"""The matrix: TEPs by projects, as a table, Markdown or JSON."""
