"""Which values and names look like secrets."""

from __future__ import annotations

import pytest

from flash_jupyter.capture.secrets import secret_kind, sounds_secret

BODY = "a1B2c3D4e5" * 4

SECRETS = [
    ("sk-" + BODY, "an OpenAI API key"),
    ("sk-proj-" + BODY, "an OpenAI API key"),
    ("sk-ant-" + BODY, "an Anthropic API key"),
    ("ghp_" + BODY, "a GitHub token"),
    ("github_pat_" + BODY, "a GitHub token"),
    ("hf_" + BODY, "a Hugging Face token"),
    ("AKIA" + "A1B2C3D4E5F6G7H8", "an AWS access key"),
    ("xoxb-" + BODY, "a Slack token"),
    ("rpa_" + BODY, "a Runpod API key"),
    ("  rpa_" + BODY + "\n", "a Runpod API key"),
    ("-----BEGIN RSA " + "PRIVATE KEY-----\nMII\n-----END", "a private key"),
    ("eyJ" + BODY + ".eyJ" + BODY + "." + BODY, "a JSON web token"),
    ("postgres://me:" + "hunter2@host/db", "an address with a password"),
]

HARMLESS = [
    ("", "text"),
    ("hello world", "greeting"),
    ("sk-learn", "package"),
    ("the key is sk-" + BODY + " in a longer text", "document"),
    ("https://host/path?x=1", "url"),
    ("d41d8cd98f00b204e9800998ecf8427e", "checksum"),
    ("AMPERE_80", "api_key_env"),
    ("OPENAI_API_KEY", "name"),
]


@pytest.mark.parametrize(("value", "kind"), SECRETS, ids=[kind for _, kind in SECRETS])
def test_known_prefixes(value: str, kind: str) -> None:
    assert secret_kind(value) == kind


@pytest.mark.parametrize(("value", "name"), HARMLESS, ids=[name for _, name in HARMLESS])
def test_harmless(value: str, name: str) -> None:
    assert secret_kind(value, name) is None


@pytest.mark.parametrize("name", ["API_KEY", "openai_api_key", "dbPassword", "HF_TOKEN", "client_secret", "AWSSecret"])
def test_suspicious_names(name: str) -> None:
    assert sounds_secret(name)
    assert secret_kind("Zq81nPx0LmR7vT2c", name) == "a secret (a random value under a name like that)"


@pytest.mark.parametrize("name", ["max_tokens", "tokenizer", "key", "keyboard", "primary_key", "secretary", "author"])
def test_harmless_names(name: str) -> None:
    assert not sounds_secret(name)
