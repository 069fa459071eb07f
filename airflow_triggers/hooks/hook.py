"""TriggersHook: clients of a deployment of this package, for tasks and for the triggerer.

A task has no database in Airflow 3. So it asks over REST, its own deployment too. Neighbours: ``connection.py`` reads
Airflow's connection; ``operators/`` and ``sensors/`` use the hook.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_triggers.hooks.connection import CONN_TYPE, DEFAULT_CONN_ID, Server

if TYPE_CHECKING:
    # The client is an optional package.
    from airflow_triggers_client import AsyncTriggersClient, TriggersClient

_ADVICE = "TriggersHook needs the package airflow-triggers-client: pip install 'airflow-triggers[hook]'."
_HINT_CHARACTERS = 60


class TriggersHook(BaseHook):
    """Gives clients of the deployment that a connection of the type ``triggers`` names.

    .. code-block:: python

        @task
        def tell(respondent):
            with TriggersHook("shop").get_conn() as client:
                client.fire(respondent, "responsesLoaded", idempotency_key=TriggersHook.idempotency_key())

    :param conn_id: the connection's id.
    """

    conn_name_attr = "conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = CONN_TYPE
    hook_name = "Triggers"

    def __init__(self, conn_id: str = DEFAULT_CONN_ID, **options: Any) -> None:
        super().__init__(**options)
        self.conn_id = conn_id

    def get_conn(self) -> TriggersClient:
        """A blocking client; close it, or use it in a ``with`` statement.

        :raises ImportError: when ``airflow-triggers-client`` is not installed.
        :raises ValueError: when the connection lacks something.
        """
        connection = self.get_connection(self.conn_id)
        server = Server.of(connection, connection.extra_dejson)
        client: TriggersClient = _client_package().TriggersClient(server.url, **_arguments(server))
        return client

    async def aget_conn(self) -> AsyncTriggersClient:
        """A client for asyncio; close it, or use it in an ``async with`` statement. See :meth:`get_conn`."""
        connection = await self.aget_connection(self.conn_id)
        server = Server.of(connection, await connection.aextra_dejson())
        client: AsyncTriggersClient = _client_package().AsyncTriggersClient(server.url, **_arguments(server))
        return client

    def test_connection(self) -> tuple[bool, str]:
        """Whether a session can be asked for; Airflow's pages call it for the button "Test".

        :returns: the answer, and a sentence for the page.
        """
        try:
            package = _client_package()
        except ImportError as error:
            return False, str(error)
        try:
            with self.get_conn() as client:
                client.sessions().first(1)
        except (ValueError, package.TriggersClientError) as error:
            return False, str(error)
        return True, "The API of airflow-triggers answers, and accepts the credentials."

    @staticmethod
    def idempotency_key(*parts: Any, context: Any = None) -> str:
        """A key of the running task instance: the same in each of its tries, and after it is cleared.

        :param parts: tell several fires of one task apart: strings, numbers.
        :param context: Airflow's context of the task; None: that of the running task.
        """
        if context is None:
            from airflow.sdk import get_current_context

            context = get_current_context()
        ti = context["ti"]
        identity = [ti.dag_id, ti.run_id, ti.task_id, ti.map_index, *parts]
        digest = hashlib.sha256(json.dumps(identity, default=str).encode()).hexdigest()
        return f"{ti.dag_id[:_HINT_CHARACTERS]}.{ti.task_id[:_HINT_CHARACTERS]}~{digest[:40]}"


def _arguments(server: Server) -> dict[str, Any]:
    """The arguments of a client, besides the URL."""
    arguments: dict[str, Any] = (
        {"token": server.password}
        if server.username is None
        else {"username": server.username, "password": server.password}
    )
    if server.timeout is not None:
        arguments["timeout"] = server.timeout
    if server.patience is not None:
        arguments["retries"] = _client_package().Retries(patience=server.patience)
    return arguments


def _client_package() -> Any:
    """The client's package. :raises ImportError: when it is not installed; it says how to install it."""
    try:
        import airflow_triggers_client
    except ImportError as error:
        raise ImportError(_ADVICE) from error
    return airflow_triggers_client
