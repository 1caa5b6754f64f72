#!/usr/bin/env python3
"""Makes firmware.fd, kernel, initrd and cases.json beside this file, with PyPI `sev-snp-measure`, an independent calculator.

Run it only to add cases: `pip install sev-snp-measure==0.0.13 && python3 generate.py`. The form of cases.json is that of the
shared launch vectors.
"""

import json
import struct
import uuid
from pathlib import Path

from sevsnpmeasure import guest, vcpu_types
from sevsnpmeasure.sev_mode import SevMode
from sevsnpmeasure.vmm_types import VMMType

HERE = Path(__file__).parent
SIZE = 8192
SECTIONS = [
    (0x800000, 0x9000, 1),
    (0x80A000, 0x3000, 1),
    (0x80D000, 0x1000, 2),
    (0x80E000, 0x1000, 3),
    (0x80F000, 0x1000, 4),
    (0x810000, 0x1000, 0x10),
]
METADATA_FROM_END = 0x600
TABLE = [
    ("7255371f-3a3b-4b04-927b-1da6efa8d454", struct.pack("<II", 0x810C00, 0x400)),
    ("00f771de-1a7e-4fcb-890e-68c77e2fb44e", struct.pack("<I", 0x0080B004)),
    ("dc886566-984a-4798-a75e-5585a7bf67cc", struct.pack("<I", METADATA_FROM_END)),
]
FOOTER = "96b582de-1fb2-45f7-baea-a366c55a082d"


def entry(guid, data, length=None):
    return data + struct.pack("<H", length or len(data) + 18) + uuid.UUID(guid).bytes_le


def firmware():
    image = bytearray(bytes([0x90]) * SIZE)
    table = b"".join(entry(guid, data) for guid, data in TABLE)
    table += entry(FOOTER, b"", len(table) + 18)
    image[SIZE - 32 - len(table) : SIZE - 32] = table
    metadata = b"ASEV" + struct.pack("<III", 16 + 12 * len(SECTIONS), 1, len(SECTIONS))
    metadata += b"".join(struct.pack("<III", *section) for section in SECTIONS)
    start = SIZE - METADATA_FROM_END
    image[start : start + len(metadata)] = metadata
    return bytes(image)


def case(name, vmm, vcpus, vcpu_type, kernel=True, features=1, pages=None):
    path = lambda file: str(HERE / file)
    append = "console=ttyS0 panic=-1 shroud.words=known" if kernel else None
    signature = vcpu_types.CPU_SIGS[vcpu_type] if vcpu_type else None
    digest = guest.calc_launch_digest(
        SevMode.SEV_SNP, vcpus, signature or 0, path("firmware.fd"), path("kernel") if kernel else None,
        path("initrd") if kernel else None, append, features, pages or "", VMMType[vmm],
    )
    return {
        "id": name, "mode": "snp", "vmm_type": vmm.lower(), "vcpus": vcpus, "vcpu_type": vcpu_type,
        "guest_features": features, "ovmf": "firmware.fd", "ovmf_hash": pages, "kernel": "kernel" if kernel else None,
        "initrd": "initrd" if kernel else None, "append": append, "expected_launch_digest": digest.hex(),
    }


def cases():
    for vcpu_type in ["EPYC-v4", "EPYC-Rome", "EPYC-Milan-v2", "EPYC-Genoa", "EPYC-Turin"]:
        for vcpus in [1, 2, 4]:
            yield case(f"qemu-{vcpu_type.lower()}-{vcpus}", "QEMU", vcpus, vcpu_type)
    yield case("qemu-without-kernel", "QEMU", 2, "EPYC-Genoa", kernel=False)
    yield case("qemu-more-features", "QEMU", 2, "EPYC-Genoa", features=0x21)
    yield case("qemu-pages-given", "QEMU", 2, "EPYC-Genoa", pages="5a" * 48)
    for vmm in ["ec2", "gce"]:
        for vcpus in [1, 3]:
            yield case(f"{vmm}-{vcpus}", vmm, vcpus, "EPYC-Milan" if vmm == "ec2" else None, kernel=False)


(HERE / "firmware.fd").write_bytes(firmware())
(HERE / "kernel").write_bytes(b"a kernel of a few words\n")
(HERE / "initrd").write_bytes(b"an initrd of a few words\n")
source = "generate.py with PyPI sev-snp-measure 0.0.13"
(HERE / "cases.json").write_text(json.dumps({"source": source, "cases": list(cases())}, indent=1) + "\n")
