"""The connection window for real, over real sockets: a host that refuses, one that drops, one that speaks TLS by an
authority that nobody knows; by keys alone, brought to the front by a second start, saved, closed."""

import glob
import os
import socket
import ssl
import subprocess
import threading

from desk import Box


def refusing():
    """A port on which nothing listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        return other.getsockname()[1]


def dropping():
    """A port that answers to nobody any more: its queue is full, and nobody takes from it. And what keeps it so."""
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    door.listen(0)
    waiting = []
    for _ in range(8):
        guest = socket.socket()
        guest.setblocking(False)
        guest.connect_ex(door.getsockname())
        waiting.append(guest)
    return door.getsockname()[1], (door, waiting)


def speaking_tls(desk):
    """A web server with a certificate that it has made itself."""
    key, certificate = desk.path("host.key"), desk.path("host.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    door = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            guest, _ = door.accept()
            try:
                with context.wrap_socket(guest, server_side=True) as spoken:
                    spoken.settimeout(5)
                    spoken.recv(4096)
                    spoken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    return door.getsockname()[1]


def run(desk):
    refused, (dropped, _held), tls = refusing(), dropping(), speaking_tls(desk)
    desk.write(".config/visualcron-tray/settings.toml",
               '[license_host]\nhost = "127.0.0.1"\nproxy = "direct"\n')

    def window():
        return desk.wait_for("the window", lambda: desk.windows("visualcron-tray"))[0]

    # The host of the settings is checked at once, by the name that is in the field.
    first = desk.start("visualcron-tray", "window", "connection")
    box = window()
    desk.expect("Stage by stage", "Host", within=box)

    # Another one refuses.
    desk.key("alt+h")
    desk.type(f"127.0.0.1:{refused}")
    desk.key("Return")
    desk.find_text(f"127.0.0.1:{refused} answers with RST", box)
    desk.expect("Something is in the way", "Next step", "Stage by stage", "Save text", within=box)
    # For the README, without the frame of this desktop: xdotool counts it twice, so the box is off by it.
    desk.shot("connection-window-refused", Box(box.left - 1, box.top - 20, box.right - 1, box.bottom - 20))

    # The text, by keys alone.
    desk.key("alt+p")
    desk.find_text("Copied", box)
    desk.key("alt+s")
    desk.find_text("Saved", box)
    desk.shot("connection-window-saved", box)
    saved = glob.glob(desk.path("**", "Connection to 127.0.0.1*.txt"), recursive=True)
    assert len(saved) == 1, saved
    with open(saved[0], encoding="utf-8") as file:
        text = file.read()
    assert f"127.0.0.1, TCP {refused}" in text and "RST" in text, text

    # Another host, while that is on the screen: this one drops, and each stage is seen as it runs.
    desk.key("alt+h")
    desk.type(f"127.0.0.1:{dropped}")
    desk.key("Return")
    desk.find_text("Checking the connection", box)
    desk.find_text("stage 3 of 8", box)
    desk.shot("connection-window-checking", box)

    # A second start ends at once, and the first window is in front of what covered it.
    desk.stand_in("cover", 'exec xmessage -title Cover -geometry 900x760+180+20 -buttons Close covered')
    cover = desk.start(desk.path("bin", "cover"))
    desk.wait_for("the cover", lambda: desk.windows("Xmessage"))
    second = desk.start("visualcron-tray", "window", "connection")
    assert second.wait_for_exit() == 0, second.output()
    desk.find_text("Something is in the way", box, timeout=30)
    desk.expect("no answer", within=box)
    desk.shot("connection-window-dropped", box)
    cover.stop()

    # One that speaks TLS, by an authority that nobody knows.
    desk.key("alt+h")
    desk.type(f"localhost:{tls}")
    desk.key("Return")
    desk.find_text("certificate", box)
    desk.find_text("Something is in the way", box)
    desk.shot("connection-window-certificate", box)

    # What is no host is said.
    desk.key("alt+h")
    desk.type("no host at all")
    desk.key("Return")
    desk.find_text("This is no host", box)
    desk.key("Escape")
    assert first.wait_for_exit() == 0, first.output()
    desk.wait_for("the window to go", lambda: not desk.windows("visualcron-tray"))

    # By night, at 200 %, and closed by its frame.
    dark = desk.start("visualcron-tray", "window", "connection", GTK_THEME="Adwaita:dark", WINIT_X11_SCALE_FACTOR="2")
    box = window()
    assert box.size[0] > 1000, box
    desk.find_text("Next step", box)
    desk.shot("connection-window-dark-200", box)
    assert desk.look().count((0x17, 0x19, 0x1D), box) > 20000, "the ground is dark"
    desk.key("alt+F4")
    assert dark.wait_for_exit() == 0, dark.output()
    assert not os.path.exists(desk.path("opened.log")), "nothing was opened"
