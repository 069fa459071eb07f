"""The benchmarks: ratios between two things measured side by side on PostgreSQL. Run them by ``make bench``.

``row.py`` is one ratio with its goal, ``rounds.py`` measures, ``table.py`` and ``page.py`` show it. ``__main__.py``
names the module of each group of rows.
"""
