"""The command ``triggers``: the remote twin of ``airflow triggers``, with the same nouns and verbs."""
