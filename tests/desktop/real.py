"""A VisualCron user folder, and a tray on it that believes that it is the 24th of November 2026."""

import datetime
import os

TODAY = datetime.date(2026, 11, 24)
SERVERS_XML = ".local/share/VisualCron/settings/servers.xml"
SETTINGS = ".config/visualcron-tray/settings.toml"


def day(days):
    return (TODAY + datetime.timedelta(days)).isoformat()


def server(name, days, port=16444, kind=""):
    """A server whose Maintenance has so many days left; `None` is a server without a known date."""
    until = "0001-01-01" if days is None else day(days)
    return (f"<Connection><Name>{name}</Name><Address>127.0.0.1</Address><Port>{port}</Port>"
            f"<LicenseType>{kind}</LicenseType><MaintenanceExpires>{until}T00:00:00</MaintenanceExpires>"
            "</Connection>")


def servers(desk, *connections):
    """Writes servers.xml, and a log folder beside it."""
    desk.write(".local/share/VisualCron/log/log_remote20261124.txt", "")
    desk.write_in_place(SERVERS_XML, f"<ArrayOfConnection>{''.join(connections)}</ArrayOfConnection>")


def settings(desk, connection='check = "off"', license_host="check_on_refresh = false"):
    """Settings that ask nobody but, where wanted, the servers' ports and a license host."""
    desk.write_in_place(SETTINGS, f"[license_host]\n{license_host}\n[connection]\n{connection}\n")


def start(desk, now=TODAY.isoformat()):
    if not os.path.exists(desk.path(SETTINGS)):
        settings(desk)
    return desk.start("visualcron-tray", "--now", now, "--data-dir", desk.path("data"))
