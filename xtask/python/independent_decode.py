"""Signs intents over the real processes and lets eth-account, an implementation of its own, read the results.

usage: independent_decode.py PATH_OF_SHROUD_DEV
"""

import json
import signal
import subprocess
import sys
import tempfile
import urllib.request

from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from eth_utils import keccak
from hexbytes import HexBytes

RECIPIENT = "0x000000000000000000000000000000000000dEaD"
SEPOLIA = 11155111
GWEI = 10**9

# The intent as it is asked for, and the fields that must come back out of the signed bytes.
INTENTS = [
    (
        {"value": "0.25", "nonce": 7, "gas_limit": 21000, "max_fee_per_gas": str(2 * GWEI), "max_priority_fee_per_gas": str(GWEI)},
        {"value": 25 * 10**16, "nonce": 7, "gas": 21000, "maxFeePerGas": 2 * GWEI, "maxPriorityFeePerGas": GWEI, "data": ""},
    ),
    (
        {"value": "0.000000000000000001", "nonce": 0, "gas_limit": 90000, "max_fee_per_gas": "1", "max_priority_fee_per_gas": "0"},
        {"value": 1, "nonce": 0, "gas": 90000, "maxFeePerGas": 1, "maxPriorityFeePerGas": 0, "data": ""},
    ),
]


def call(base, path, body, token=None):
    """POSTs JSON and returns the answer; an error status raises."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(base + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def agent(up):
    """A fresh agent: its id, its key's address and its token."""
    base, admin = up["base_url"], up["admin_api_key"]
    guardrails = {"tx_to_allowlist": [RECIPIENT], "tx_max_value": "0.5", "tx_allowed_chains": ["sepolia"]}
    made = call(base, "/v1/agents", {"name": "independent", "intents_api_enabled": True, **guardrails}, admin)
    identity = made["agent"]["id"]
    key = call(base, f"/v1/agents/{identity}/signing-keys", {"chain": "ethereum"}, admin)
    token = call(base, "/v1/auth/agent-token", {"api_key": made["api_key"], "agent_id": identity})
    return identity, key["address"], token["access_token"]


def check(name, found, expected):
    """Stops with both values where they differ."""
    if found != expected:
        sys.exit(f"{name}: expected {expected!r}, found {found!r}")


def decode(up):
    """Signs every intent and compares what eth-account reads with what was asked for."""
    identity, address, token = agent(up)
    path = f"/v1/agents/{identity}/transactions/sign"
    for intent, fields in INTENTS:
        answer = call(up["base_url"], path, {"chain": "sepolia", "to": RECIPIENT, **intent}, token)
        raw = HexBytes(answer["signed_tx"])
        transaction = TypedTransaction.from_bytes(raw)
        found = transaction.as_dict()
        check("type", int(found["type"]), 2)
        check("chainId", found["chainId"], SEPOLIA)
        check("to", HexBytes(found["to"]).hex().removeprefix("0x"), RECIPIENT[2:].lower())
        for name, expected in fields.items():
            value = HexBytes(found[name]).hex().removeprefix("0x") if name == "data" else found[name]
            check(name, value, expected)
        check("accessList", len(found["accessList"]), 0)
        check("signer", Account.recover_transaction(raw).lower(), address.lower())
        check("from", answer["from"].lower(), address.lower())
        check("tx_hash", HexBytes(answer["tx_hash"]), HexBytes(keccak(raw)))
    print(f"{len(INTENTS)} signed transactions read the same in eth-account")


def main():
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.argv[1], "up", "--json", "--dir", f"{folder}/state"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                up = json.loads(process.stdout.readline() or "{}")
                check("error of up", up.get("error", None if up else "it printed nothing"), None)
                decode(up)
            finally:
                process.send_signal(signal.SIGTERM)
            check("exit code of up", process.wait(timeout=10), 0)


main()
