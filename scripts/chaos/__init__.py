"""Chaos: a real deployment whose parts are killed at random while clients fire, and an account of it afterwards."""
