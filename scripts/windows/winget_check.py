#!/usr/bin/env python3
"""Checks the manifests for winget: the fields that the schemas of version 1.6 require, their patterns and lengths,
and that the files agree with each other.

    winget_check.py FILE.yaml…

This is a check of our own, not the schemas themselves. On Windows `winget validate FOLDER` has the last word.
"""

import re
import sys

IDENTIFIER = r"[^.\s\\/:*?\"<>|\x01-\x1f]{1,32}(\.[^.\s\\/:*?\"<>|\x01-\x1f]{1,32}){1,7}"
VERSION = r"[^\\/:*?\"<>|\x01-\x1f]{1,128}"
URL = r"https?://.{1,2000}"
LOCALE = r"([a-zA-Z]{2,3}|[iI]-[a-zA-Z]+|[xX]-[a-zA-Z]{1,8})(-[a-zA-Z]{1,8})*"
PRODUCT = r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}"


def words(*allowed):
    return "|".join(re.escape(word) for word in allowed)


COMMON = {"PackageIdentifier": IDENTIFIER, "PackageVersion": VERSION, "ManifestVersion": r"1\.6\.0"}
# Field: pattern. A "?" at the end: may be absent. A list holds for each entry.
FIELDS = {
    "version": COMMON | {"DefaultLocale": LOCALE, "ManifestType": "version"},
    "installer": COMMON
    | {
        "Platform?": words("Windows.Desktop", "Windows.Universal"),
        "MinimumOSVersion?": r"\d{1,5}(\.\d{1,5}){0,3}",
        "InstallerType?": words("msix", "msi", "appx", "exe", "zip", "inno", "nullsoft", "wix", "burn", "portable"),
        "InstallModes?": words("interactive", "silent", "silentWithProgress"),
        "UpgradeBehavior?": words("install", "uninstallPrevious"),
        "ReleaseDate?": r"\d{4}-\d{2}-\d{2}",
        "Installers": None,
        "ManifestType": "installer",
    },
    "defaultLocale": COMMON
    | {
        "PackageLocale": LOCALE,
        "Publisher": r".{2,256}",
        "PackageName": r".{2,256}",
        "PackageUrl?": URL,
        "License": r".{3,512}",
        "ShortDescription": r".{3,256}",
        "Description?": r"(?s).{3,10000}",
        "Moniker?": r".{1,40}",
        "Tags?": r"\S.{0,39}",
        "ManifestType": "defaultLocale",
    },
}
INSTALLER = {
    "Architecture": words("x86", "x64", "arm", "arm64", "neutral"),
    "InstallerUrl": URL,
    "InstallerSha256": r"[A-Fa-f0-9]{64}",
    "Scope?": words("user", "machine"),
    "ProductCode?": PRODUCT,
    "ElevationRequirement?": words("elevationRequired", "elevationProhibited", "elevatesSelf"),
    "InstallerSwitches?": None,
}
SWITCHES = {
    f"{name}?": r".{1,512}"
    for name in ("Silent", "SilentWithProgress", "Interactive", "InstallLocation", "Log", "Upgrade")
} | {"Custom?": r".{1,2048}"}


def read(path):
    """The part of YAML that these files use: maps, lists of words or maps, quoted texts, folded texts."""
    lines = []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            if "\t" in line or re.search(r"(?<!\{)\{[A-Z]\w+\}", line) and "ProductCode" not in line:
                sys.exit(f"{path}, line {number}: a tab, or a place that was not filled in")
            lines.append((len(line) - len(line.lstrip()), line.strip(), number))

    def scalar(text):
        return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text

    def block(at, indent):
        if lines[at][1].startswith("- "):
            entries = []
            while at < len(lines) and lines[at][0] == indent and lines[at][1].startswith("- "):
                rest = lines[at][1][2:]
                if re.match(r"[A-Z]\w*:( |$)", rest):
                    lines[at] = (indent + 2, rest, lines[at][2])
                    entry, at = block(at, indent + 2)
                else:
                    entry, at = scalar(rest), at + 1
                entries.append(entry)
            return entries, at
        table = {}
        while at < len(lines) and lines[at][0] == indent and not lines[at][1].startswith("- "):
            match = re.match(r"([A-Z]\w*):(?: (.*))?$", lines[at][1])
            if not match or match[1] in table:
                sys.exit(f"{path}, line {lines[at][2]}: not understood, or there twice")
            name, value = match[1], match[2]
            at += 1
            if value == ">-":
                folded = []
                while at < len(lines) and lines[at][0] > indent:
                    folded.append(lines[at][1])
                    at += 1
                table[name] = " ".join(folded)
            elif value is None:
                table[name], at = block(at, lines[at][0])
            else:
                table[name] = scalar(value)
        return table, at

    table, at = block(0, 0)
    if at != len(lines):
        sys.exit(f"{path}, line {lines[at][2]}: not understood")
    return table


def check(place, table, fields, problems):
    for name in table:
        if name not in fields and f"{name}?" not in fields:
            problems.append(f"{place}: unknown field {name}")
    for name, pattern in fields.items():
        value = table.get(name.rstrip("?"))
        if value is None:
            if not name.endswith("?"):
                problems.append(f"{place}: {name} is missing")
        elif pattern is not None:
            for one in value if isinstance(value, list) else [value]:
                if not isinstance(one, str) or not re.fullmatch(pattern, one):
                    problems.append(f"{place}: {name.rstrip('?')} is not allowed: {one}")


def main():
    problems, seen = [], {}
    for path in sys.argv[1:]:
        table = read(path)
        kind = table.get("ManifestType")
        if kind not in FIELDS or kind in seen:
            problems.append(f"{path}: ManifestType {kind} is unknown, or there twice")
            continue
        seen[kind] = table
        check(path, table, FIELDS[kind], problems)
        suffix = {"version": "", "installer": ".installer", "defaultLocale": f".locale.{table.get('PackageLocale')}"}
        if not path.endswith(f"{table.get('PackageIdentifier')}{suffix[kind]}.yaml"):
            problems.append(f"{path}: the file's name does not fit what it is")
        for at, installer in enumerate(table.get("Installers", []), 1):
            check(f"{path}, installer {at}", installer, INSTALLER, problems)
            check(f"{path}, installer {at}", installer.get("InstallerSwitches", {}), SWITCHES, problems)
        if len(table.get("Tags", [])) > 16 or table.get("Installers") == []:
            problems.append(f"{path}: too many tags, or no installer")
    for name in ("PackageIdentifier", "PackageVersion"):
        if len({table.get(name) for table in seen.values()}) > 1:
            problems.append(f"the files differ in {name}")
    if set(seen) != set(FIELDS):
        problems.append(f"not all kinds are there: {', '.join(sorted(FIELDS))}")
    elif seen["version"]["DefaultLocale"] != seen["defaultLocale"]["PackageLocale"]:
        problems.append("DefaultLocale is not the locale of the file")
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
