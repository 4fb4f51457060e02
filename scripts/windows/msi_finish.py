#!/usr/bin/env python3
"""Finishes a package that wixl made: writes into it what wix/wixl.sql says, and builds it anew in one fixed order.

    msi_finish.py RAW.msi OUT.msi --scope user|machine --program EXE --package-code UUID --time SECONDS --sql FILE

wixl writes rows and texts in an order that differs from run to run; two runs of this give the same bytes.
"""

import argparse
import os
import re
import struct
import subprocess
import sys
import tempfile
import time

APP_USER_MODEL_ID = "visualcron-tray"  # the same as in src/platform/windows/identity.rs


def version_of(program):
    """File version and language from a program's version resource."""
    with open(program, "rb") as file:
        data = file.read()
    resource = data.find("VS_VERSION_INFO\0".encode("utf-16-le"))
    # The signature of VS_FIXEDFILEINFO. Before the resource it may be a number in the program itself.
    fixed = data.find(struct.pack("<I", 0xFEEF04BD), resource)
    if resource < 0 or fixed < 0:
        sys.exit(f"{program} has no version resource")
    high, low = struct.unpack_from("<II", data, fixed + 8)
    translation = data.find("Translation\0".encode("utf-16-le"), fixed)
    language = struct.unpack_from("<H", data, (translation + 24 + 3) & ~3)[0] if translation > 0 else 0
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}", language


def statements(path, scope, values):
    """The statements of this scope, filled in."""
    found = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            for_scope = re.match(r"(user|machine): ", line)
            if for_scope:
                if for_scope[1] != scope:
                    continue
                line = line[for_scope.end() :]
            if line and not line.startswith("--"):
                found.append(re.sub(r"\{(\w+)\}", lambda name: values[name[1]], line))
    return found


def run(*command, folder=None):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    # The tools of msitools warn and go on, with exit code 0: a warning is a failure here.
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode != 0 or said:
        sys.exit(f"{' '.join(command[:4])} …: {said or done.returncode}")
    return done.stdout


def summary(table, package_code, when):
    """The summary information with our package code and time."""
    date = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(when))
    changed = {b"9": f"{{{package_code.upper()}}}", b"12": date, b"13": date}
    rows = table.split(b"\r\n")
    for at, row in enumerate(rows[3:], 3):
        number = row.split(b"\t")[0]
        if number in changed:
            rows[at] = number + b"\t" + changed[number].encode()
    return b"\r\n".join(rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("raw")
    parser.add_argument("out")
    for name in ("scope", "program", "package-code", "sql"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--time", type=int, required=True)
    args = parser.parse_args()

    version, language = version_of(args.program)
    values = {"FileVersion": version, "FileLanguage": str(language), "AppUserModelId": APP_USER_MODEL_ID}
    queries = [word for query in statements(args.sql, args.scope, values) for word in ("-q", query)]
    run("msibuild", args.raw, *queries)

    with tempfile.TemporaryDirectory() as folder:
        imports = []
        tables = run("msiinfo", "tables", args.raw).decode().split()
        for name in sorted(tables):
            table = run("msiinfo", "export", args.raw, name)
            if name == "_SummaryInformation":
                table = summary(table, args.package_code, args.time)
            elif name == "_ForceCodepage":
                continue  # neutral, as it is without
            elif name == "Icon":
                rows = table.split(b"\r\n")
                table = b"\r\n".join(rows[:3] + [row.replace(b"\tIcon.", b"\t") for row in rows[3:]])
                os.mkdir(os.path.join(folder, name))
                for row in rows[3:]:
                    if row:
                        stream = row.split(b"\t")[0].decode()
                        data = run("msiinfo", "extract", args.raw, f"Icon.{stream}")
                        with open(os.path.join(folder, name, stream), "wb") as file:
                            file.write(data)
            rows = table.split(b"\r\n")
            table = b"\r\n".join(rows[:3] + sorted(row for row in rows[3:] if row)) + b"\r\n"
            path = os.path.join(folder, f"{name}.idt")
            with open(path, "wb") as file:
                file.write(table)
            imports += ["-i", path]
        cabinet = os.path.join(folder, "cab1.cab")
        with open(cabinet, "wb") as file:
            file.write(run("msiinfo", "extract", args.raw, "cab1.cab"))
        if os.path.exists(args.out):
            os.remove(args.out)
        # Pictures are looked for from the current folder.
        run("msibuild", os.path.abspath(args.out), *imports, "-a", "cab1.cab", cabinet, folder=folder)


if __name__ == "__main__":
    main()
