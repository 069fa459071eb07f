"""What every storage backend and every in-process runner has to do, as tests to run over one's own.

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
    """Everything that a storage backend has to do; ``storage_of`` says which one is under test.

    :class:`ImpatientLockContract` is beside it, for storages that can tell whether another holds the lock.
    """
