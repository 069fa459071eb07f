"""What ``airflow triggers`` and the client's ``triggers`` share: this room is in both distributions, word for word.

``table.py`` has the commands: names, arguments, help, examples. ``grammar.py`` makes argparse's parsers of them.
``events.py`` has files of fires and their reports. The room imports the standard library only, and little of it. A
test compares both copies.
"""
