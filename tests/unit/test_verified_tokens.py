"""A token's signature is verified once; whether the token is still good is asked each time."""

from __future__ import annotations

import asyncio
import time

import jwt
import pytest
from airflow.api_fastapi.auth.tokens import JWTValidator

from airflow_triggers.gateway.verified_tokens import VerifiedTokens

KEY = "k" * 64


@pytest.fixture
def verified(monkeypatch):
    """The tokens that a validator has verified, in order."""
    tokens, verify = [], JWTValidator.avalidated_claims

    async def note(validator, text, *arguments):
        tokens.append(text)
        return await verify(validator, text, *arguments)

    monkeypatch.setattr(JWTValidator, "avalidated_claims", note)
    return tokens


@pytest.fixture
def validator(verified):
    return validator_with(KEY)


def validator_with(key, kind=JWTValidator):
    return kind(secret_key=key, audience="airflow", issuer=None, leeway=0, algorithm=["HS512"])


def token(*, seconds=60, **claims):
    now = int(time.time())
    content = {"sub": "ann", "aud": "airflow", "iat": now - 5, "nbf": now - 5, "exp": now + seconds, **claims}
    return jwt.encode(content, KEY, algorithm="HS512")


def claims_of(tokens, validator, text):
    return asyncio.run(tokens.claims_of(validator, text))


def test_a_signature_is_verified_once(validator, verified):
    tokens, text = VerifiedTokens(), token(jti="one")
    first = claims_of(tokens, validator, text)
    assert claims_of(tokens, validator, text) == first
    assert (first["sub"], first["jti"]) == ("ann", "one")
    assert len(verified) == 1


def test_nobody_changes_the_remembered_claims(validator):
    tokens, text = VerifiedTokens(), token()
    claims_of(tokens, validator, text)["sub"] = "bob"
    claims_of(tokens, validator, text)["sub"] = "bob"
    assert claims_of(tokens, validator, text)["sub"] == "ann"


def test_an_expired_token_is_refused_though_it_was_verified(validator):
    tokens, text = VerifiedTokens(), token(seconds=1)
    claims_of(tokens, validator, text)
    time.sleep(2)
    with pytest.raises(jwt.ExpiredSignatureError):
        claims_of(tokens, validator, text)


def test_a_token_with_the_claims_of_another_and_no_signature_is_refused(validator):
    tokens, text = VerifiedTokens(), token()
    claims_of(tokens, validator, text)
    header, content, _signature = text.split(".")
    with pytest.raises(jwt.InvalidTokenError):
        claims_of(tokens, validator, f"{header}.{content}.Zm9yZ2Vk")


def test_a_refused_token_is_refused_again(validator, verified):
    tokens, text = VerifiedTokens(), token(seconds=-10)
    for _ in range(2):
        with pytest.raises(jwt.ExpiredSignatureError):
            claims_of(tokens, validator, text)
    assert len(verified) == 2


def test_another_key_verifies_anew(validator):
    tokens, text = VerifiedTokens(), token()
    claims_of(tokens, validator, text)
    with pytest.raises(jwt.InvalidSignatureError):
        claims_of(tokens, validator_with("x" * 64), text)


def test_a_token_of_another_issuer_is_verified_each_time(validator, verified, monkeypatch):
    tokens, text = VerifiedTokens(), token()
    monkeypatch.setattr(validator, "jwks", object())
    for _ in range(2):
        claims_of(tokens, validator, text)
    assert len(verified) == 2


class StrictValidator(JWTValidator):
    """Somebody's own, which may check what changes."""


def test_a_token_of_somebodys_own_validator_is_verified_each_time(verified):
    tokens, text, validator = VerifiedTokens(), token(), validator_with(KEY, StrictValidator)
    for _ in range(2):
        claims_of(tokens, validator, text)
    assert len(verified) == 2


def test_an_expiry_as_text_is_taken_as_airflow_takes_it(validator):
    tokens, text = VerifiedTokens(), token(exp=str(int(time.time()) + 60))
    for _ in range(2):
        assert claims_of(tokens, validator, text)["sub"] == "ann"


def test_lists_among_the_claims_are_not_shared(validator):
    tokens, text = VerifiedTokens(), token(teams=["a"])
    for _ in range(3):
        claims = claims_of(tokens, validator, text)
        assert claims["teams"] == ["a"]
        claims["teams"].append("b")
