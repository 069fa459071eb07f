"""The contracts of storage backends and in-process runners, as test suites for your own ones.

.. code-block:: python

    from airflow_triggers.testing.contract import StorageContract


    class TestMyStorage(StorageContract):
        @pytest.fixture(autouse=True)
        def empty_store(self): ...

        def storage_of(self, uid):
            return MyStorageBackend(uid)

The package's own storages and runners pass the same suites. Each part is a class of its own, in a module of its own:
``locking``, ``keeping``, ``deleting``, ``firing``, ``repairing``, ``scenarios``, ``hooks``, ``running``. Needs pytest.
"""

from __future__ import annotations

from airflow_triggers.testing.contract.deleting import DeletingContract
from airflow_triggers.testing.contract.firing import FiringContract
from airflow_triggers.testing.contract.hooks import HooksContract
from airflow_triggers.testing.contract.keeping import KeepingContract
from airflow_triggers.testing.contract.locking import ImpatientLockContract, LockingContract
from airflow_triggers.testing.contract.repairing import RepairingContract
from airflow_triggers.testing.contract.running import RunnerContract
from airflow_triggers.testing.contract.scenarios import ScenariosContract

__all__ = ["ImpatientLockContract", "RunnerContract", "StorageContract"]


class StorageContract(
    LockingContract,
    KeepingContract,
    DeletingContract,
    FiringContract,
    RepairingContract,
    ScenariosContract,
    HooksContract,
):
    """The whole contract of a storage backend; ``storage_of`` makes the one under test.

    :class:`ImpatientLockContract` is separate: it is for storages that detect at once whether another holds the lock.
    """
