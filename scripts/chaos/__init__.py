"""Chaos: kills parts of a real deployment at random while clients fire, and checks the result afterwards."""
