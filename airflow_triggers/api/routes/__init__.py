"""The routes: each parses, authorizes, calls ``sessions.py`` and shapes the answer."""
