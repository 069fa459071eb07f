"""Tokens whose signature this process has verified.

Neighbours: ``logins.py`` asks for a token's claims here; Airflow's ``JWTValidator`` verifies them.
"""

from __future__ import annotations

import hashlib
import time
from threading import Lock
from typing import Any

from airflow.api_fastapi.auth.tokens import JWTValidator
from cachetools import LRUCache


class VerifiedTokens:
    """The claims of tokens that Airflow's validator has accepted, so that it verifies a signature once.

    Only what cannot change is remembered: that Airflow's own secret key has signed these claims. The caller asks each
    time whether the token has been revoked, and what the user may do. Tokens of other issuers are not remembered: their
    keys may be taken back.
    """

    SIZE = 1_000

    def __init__(self) -> None:
        # By digest: no list of valid tokens lies in memory.
        self._claims: LRUCache[bytes, tuple[JWTValidator, dict[str, Any]]] = LRUCache(maxsize=self.SIZE)
        self._mutex = Lock()

    async def claims_of(self, validator: JWTValidator, token: str) -> dict[str, Any]:
        """The claims of a token that is valid now, but for its revocation.

        :raises InvalidTokenError: when the validator refuses it.
        """
        if validator.jwks is not None:
            return await validator.avalidated_claims(token)
        digest = hashlib.sha256(token.encode()).digest()
        with self._mutex:
            verifier, claims = self._claims.get(digest, (None, {}))
        if verifier is validator and claims["exp"] > time.time():
            return dict(claims)
        claims = await validator.avalidated_claims(token)
        with self._mutex:
            self._claims[digest] = validator, dict(claims)
        return claims
