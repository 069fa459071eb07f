"""A token's signature is verified once; whether the token is still good is asked each time."""

from __future__ import annotations

import asyncio
import time

import jwt
import pytest
from airflow.api_fastapi.auth.tokens import JWTValidator

from airflow_triggers.gateway.verified_tokens import VerifiedTokens

KEY = "k" * 64


class CountingValidator(JWTValidator):
    """Counts how often it verifies."""

    verified = 0

    async def avalidated_claims(self, *arguments):
        """See JWTValidator."""
        type(self).verified += 1
        return await super().avalidated_claims(*arguments)


@pytest.fixture
def validator():
    CountingValidator.verified = 0
    return validator_with(KEY)


def validator_with(key):
    return CountingValidator(secret_key=key, audience="airflow", issuer=None, leeway=0, algorithm=["HS512"])


def token(*, seconds=60, **claims):
    now = int(time.time())
    content = {"sub": "ann", "aud": "airflow", "iat": now - 5, "nbf": now - 5, "exp": now + seconds, **claims}
    return jwt.encode(content, KEY, algorithm="HS512")


def claims_of(tokens, validator, text):
    return asyncio.run(tokens.claims_of(validator, text))


def test_a_signature_is_verified_once(validator):
    tokens, text = VerifiedTokens(), token(jti="one")
    first = claims_of(tokens, validator, text)
    assert claims_of(tokens, validator, text) == first
    assert (first["sub"], first["jti"]) == ("ann", "one")
    assert validator.verified == 1


def test_nobody_changes_the_remembered_claims(validator):
    tokens, text = VerifiedTokens(), token()
    claims_of(tokens, validator, text)["sub"] = "bob"
    claims_of(tokens, validator, text)["sub"] = "bob"
    assert claims_of(tokens, validator, text)["sub"] == "ann"


def test_an_expired_token_is_refused_though_it_was_verified(validator, monkeypatch):
    tokens, text = VerifiedTokens(), token(seconds=1)
    claims_of(tokens, validator, text)
    later = time.time() + 2
    monkeypatch.setattr("airflow_triggers.gateway.verified_tokens.time.time", lambda: later)
    time.sleep(2)
    with pytest.raises(jwt.ExpiredSignatureError):
        claims_of(tokens, validator, text)


def test_a_token_with_the_claims_of_another_and_no_signature_is_refused(validator):
    tokens, text = VerifiedTokens(), token()
    claims_of(tokens, validator, text)
    header, content, _signature = text.split(".")
    with pytest.raises(jwt.InvalidTokenError):
        claims_of(tokens, validator, f"{header}.{content}.Zm9yZ2Vk")


def test_a_refused_token_is_refused_again(validator):
    tokens, text = VerifiedTokens(), token(seconds=-10)
    for _ in range(2):
        with pytest.raises(jwt.ExpiredSignatureError):
            claims_of(tokens, validator, text)
    assert validator.verified == 2


def test_another_key_verifies_anew(validator):
    tokens, text = VerifiedTokens(), token()
    claims_of(tokens, validator, text)
    with pytest.raises(jwt.InvalidSignatureError):
        claims_of(tokens, validator_with("x" * 64), text)


def test_a_token_of_another_issuer_is_verified_each_time(validator, monkeypatch):
    tokens, text = VerifiedTokens(), token()
    monkeypatch.setattr(validator, "jwks", object())
    for _ in range(2):
        claims_of(tokens, validator, text)
    assert validator.verified == 2
