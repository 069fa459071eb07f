"""The command line: ``definition.py`` declares the commands, ``commands.py`` holds them."""
