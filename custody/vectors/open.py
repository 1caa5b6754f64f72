#!/usr/bin/env python3
"""Opens the frozen vectors with another implementation: the formats of custody, from their description alone.

Usage: open.py [FILE.json ...]      needs PyPI `cryptography`; last line: the figure.
"""
import base64, hmac, json, pathlib, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

INDEX = {"gcp": 1, "aws": 2, "azure": 3}


def canonical(label, *fields):
    encoded = [f if isinstance(f, bytes) else f.to_bytes(8, "big") if isinstance(f, int) else f.encode() for f in fields]
    return b"".join(len(f).to_bytes(4, "big") + f for f in [label.encode(), *encoded])


def hkdf(key, salt, info):
    return HKDF(SHA256(), 32, salt, info).derive(key)


def multiply(a, b):
    product = 0
    while b:
        product ^= a * (b & 1)
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def line(left, right, x=0):
    """The value at x of the line through two shares `index ‖ values`."""
    inverse = next(i for i in range(1, 256) if multiply(i, left[0] ^ right[0]) == 1)
    l, r = multiply(x ^ right[0], inverse), multiply(x ^ left[0], inverse)
    return bytes(multiply(l, a) ^ multiply(r, b) for a, b in zip(left[1:], right[1:]))


def xor(left, right):
    return bytes(a ^ b for a, b in zip(left, right))


def commitment(secret, context):
    return hmac.digest(secret, context, "sha256")


def open_long_lived(key, kind, context, sealed):
    assert sealed[0] == 1
    return AESGCM(hkdf(key, sealed[1:33], kind)).decrypt(bytes(12), sealed[33:], context)


def open_secret(v):
    mode = v["mode"]
    place = lambda label, table: canonical(label, table, v["origin"], v["org"], v["vault"], v["path"], v["version"], mode)
    shares = []
    for name, sealed in v["shares"].items():
        context = place("shroud/v1/dek-share", "secret_dek_shares") + canonical(name, bytes([INDEX[name]]))
        shares.append(open_long_lived(bytes.fromhex(v["keks"][name]), b"shroud/v1/seal/kek", context, bytes.fromhex(sealed)))
    client = base64.b64decode(v["client_share"] or "")
    binding = b""
    if mode in ("none", "2of2_client_custody"):
        part = shares[0][1:]
    elif mode == "2of3_client_custody":
        part, binding = line(shares[1], client[:33]), client[33:]
    else:
        part = line(shares[2], shares[1])
    assert commitment(part, place("shroud/v1/commitment/split", "secrets")).hex() == v["commitment"][:64]
    dek = xor(part, client) if mode in ("2of2_client_custody", "2of3_multi_hsm_client") else part
    context = place("shroud/v1/secret-value", "secrets")
    key = hkdf(dek + binding, None, context)
    assert commitment(key, place("shroud/v1/commitment/value", "secrets")).hex() == v["commitment"][64:]
    value = bytes.fromhex(v["value"])
    assert value[0] == 1
    return AESGCM(key).decrypt(value[1:13], value[13:], context).hex() == v["plaintext"]


def open_split(v):
    a, b, c = map(bytes.fromhex, v["shares"])
    return all(line(*pair).hex() == v["secret"] for pair in ((a, b), (b, c), (c, a)))


def open_state_key(v):
    a, b, c = (bytes.fromhex(v["shares"][name]) for name in INDEX)
    key = line(c, a)
    assert commitment(key, canonical("shroud/v1/commitment/state-key", v["origin"])).hex() == v["commitment"]
    assert hkdf(key, None, canonical("shroud/v1/derive", v["label"])).hex() == v["derived"]
    body = open_long_lived(key, b"shroud/v1/seal/state-key", bytes.fromhex(v["context"]), bytes.fromhex(v["sealed"]))
    return body.hex() == v["plaintext"] and line(a, b) == key


opened = 0
for path in sys.argv[1:] or sorted(pathlib.Path(__file__).parent.glob("*.json")):
    vectors = json.loads(pathlib.Path(path).read_text())
    for kind, opens in ("secrets", open_secret), ("splits", open_split), ("state_keys", open_state_key):
        for vector in vectors[kind]:
            assert opens(vector), f"{path}: {kind}: {vector}"
            opened += 1
print(f"{opened} vectors open")
