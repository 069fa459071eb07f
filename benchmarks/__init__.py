"""The benchmarks: ratios between two things measured side by side on PostgreSQL. Run them by ``make bench``.

``row.py`` is what is measured and against what, ``rounds.py`` measures, ``table.py`` and ``page.py`` show it.
``__main__.py`` names the module of each group of rows.
"""
