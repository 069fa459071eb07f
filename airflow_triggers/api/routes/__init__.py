"""The routes: each parses, authorizes, calls ``sessions/`` and shapes the answer."""
