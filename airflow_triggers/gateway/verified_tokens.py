"""Tokens whose signature this process has verified.

Neighbours: ``logins.py`` asks for a token's claims here; Airflow's ``JWTValidator`` verifies them.
"""

from __future__ import annotations

import hashlib
import json
import time
from threading import Lock
from typing import Any, NamedTuple

from airflow.api_fastapi.auth.tokens import JWTValidator
from cachetools import LRUCache


class _Verified(NamedTuple):
    """A token as its validator has accepted it.

    :param expires: in seconds since the epoch.
    :param claims: as JSON, so that nobody changes them.
    """

    validator: JWTValidator
    expires: int
    claims: str


class VerifiedTokens:
    """The claims of tokens that Airflow's validator has accepted, so that it verifies a signature once.

    Only what cannot change is remembered: that Airflow's own secret key has signed these claims. The caller asks each
    time whether the token has been revoked, and what the user may do. Tokens of other issuers are not remembered: their
    keys may be taken back.
    """

    SIZE = 1_000

    def __init__(self) -> None:
        # By digest: no list of valid tokens lies in memory.
        self._verified: LRUCache[bytes, _Verified] = LRUCache(maxsize=self.SIZE)
        self._mutex = Lock()

    async def claims_of(self, validator: JWTValidator, token: str) -> dict[str, Any]:
        """The claims of a token that is valid now, but for its revocation.

        :raises InvalidTokenError: when the validator refuses it.
        """
        # A validator of another class may check what changes, and so may keys that are fetched.
        if type(validator) is not JWTValidator or validator.jwks is not None:
            return await validator.avalidated_claims(token)
        digest = hashlib.sha256(token.encode()).digest()
        with self._mutex:
            verified = self._verified.get(digest)
        if verified is not None and verified.validator is validator and verified.expires > time.time():
            return dict(json.loads(verified.claims))
        claims = await validator.avalidated_claims(token)
        with self._mutex:
            self._verified[digest] = _Verified(validator, int(claims["exp"]), json.dumps(claims))
        return claims
