"""Makes ``python -m airflow_triggers_client`` run the command ``triggers``."""

import sys

from airflow_triggers_client.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
