"""The least tray starts before the panel, and outlives it: a log-in, and a panel that crashes."""


def run(desk):
    desk.stop_panel()
    tray = desk.start("examples/bare_tray")
    desk.start_panel()
    desk.wait_for_icon()

    desk.stop_panel()
    assert tray.is_running()
    desk.start_panel()
    desk.wait_for_icon()
    desk.choose_from_icon("Exit")
    assert tray.wait_for_exit() == 0
