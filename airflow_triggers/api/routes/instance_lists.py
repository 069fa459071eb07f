"""``/api/v1/instances``: list and count instances over all sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from airflow_triggers import sessions
from airflow_triggers.api.dependencies import PermissionsDep
from airflow_triggers.api.instance_acts import InstanceActs
from airflow_triggers.api.instance_models import InstanceCountsBody, InstancesPage, InstanceSummaryBody
from airflow_triggers.api.list_requests import InstanceCountsQuery, InstancesQuery
from airflow_triggers.api.routers import make_router
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.sessions.instance_counts import count_instances
from airflow_triggers.sessions.instances import list_instances

router = make_router("/instances", tag="Instances")


@router.get("", summary="List instances of all sessions")
def list_all(query: Annotated[InstancesQuery, Query()], permissions: PermissionsDep) -> InstancesPage:
    """The instances that match, in all sessions that you may read, newest change first. Page through them with `after`.

    A page costs the same however many sessions there are. Sessions in other storages than Airflow's database are not in
    it.
    """
    configurations = sessions.configurations_of_sessions()
    page = list_instances(
        query.instance_filter(),
        limit=query.limit,
        after=query.after,
        readable=permissions.readable(configurations),
        disclosure=permissions.disclosure(),
    )
    acts = InstanceActs(permissions)
    return InstancesPage(
        instances=[
            InstanceSummaryBody.of(
                summary,
                acts.of(
                    configurations.get(summary.configuration_hash or "", Configuration()),
                    task=summary.task,
                    status=summary.status,
                    dag_id=summary.dag_id,
                ),
            )
            for summary in page.instances
        ],
        next=page.next,
    )


@router.get("/counts", summary="Count instances of all sessions", response_model_exclude_unset=True)
def count_all(
    query: Annotated[InstanceCountsQuery, Query()], permissions: PermissionsDep
) -> InstanceCountsBody:
    """How many instances match, in all sessions that you may read. With `group_by`, how many in each group.

    The cost follows the number of instances with the statuses that you ask for, and not the number of sessions.
    """
    counts = count_instances(
        query.instance_filter(),
        group_by=query.group_by,
        readable=permissions.readable(sessions.configurations_of_sessions()),
        disclosure=permissions.disclosure(),
    )
    return InstanceCountsBody.of(counts)
