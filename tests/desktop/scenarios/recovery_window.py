"""The recovery window for real: seen, driven by keys alone, brought to the front by a second start, closed."""


def run(desk):
    def start(*arguments, **environment):
        return desk.start("examples/recovery_window", "--single", desk.path("data"), *arguments, **environment)

    def window():
        return desk.wait_for_window("visualcron-tray")

    def gone():
        desk.wait_for("the window to go", lambda: not desk.windows("visualcron-tray"))

    # Plan, run and result, by keys alone.
    first = start("clears", "--second", "2500")
    box = window()
    desk.expect("Clear server cache", "First the cheap steps", "The license host can be reached",
                "Close the VisualCron Client", "VCTray.exe", within=box)
    desk.find_text("answered in 38 ms", box)
    desk.shot("recovery-window-plan", box)
    # From Cancel, which has the focus, back to what is before it.
    desk.key("shift+Tab", "Return")
    desk.find_text("Clearing the server cache", box)
    desk.find_text("s left", box)

    # A second start ends at once, and the first window is in front of what covered it.
    desk.stand_in("cover", 'exec xmessage -title Cover -geometry 900x760+180+20 -buttons Close covered')
    cover = desk.start(desk.path("bin", "cover"))
    desk.wait_for("the cover", lambda: desk.windows("Xmessage"))
    second = start("refused")
    assert second.wait_for_exit() == 0, second.output()
    assert "asked: \n" in second.output(), "it has asked nothing of its backend"
    desk.find_text("The server cache was cleared", box, timeout=30)
    cover.stop()

    desk.expect("Before and after", "PROD-01", "2027-11-30", "Open backup folder", within=box)
    desk.shot("recovery-window-done", box)
    desk.key("Escape")
    assert first.wait_for_exit() == 0, first.output()
    assert "start Choices" in first.output() and "cancel" not in first.output(), first.output()
    gone()

    # By day and by night: GTK_THEME is Adwaita on this desktop, and dark where it says so.
    dark = start("cut-off", GTK_THEME="Adwaita:dark")
    box = window()
    desk.find_text("A recovery was cut off", box)
    desk.shot("recovery-window-cut-off-dark", box)
    assert desk.look().count((0x17, 0x19, 0x1D), box) > 20000, "the ground is dark"
    desk.key("alt+r")
    desk.find_text("The server cache was cleared", box)
    desk.key("Return")  # Close has the focus.
    assert dark.wait_for_exit() == 0, dark.output()
    assert "asked: plan; resume\n" in dark.output(), dark.output()
    gone()

    # Cancel while a program is waited for; a window that is closed by its frame ends too.
    cancelled = start("clears", "--second", "4000")
    box = window()
    desk.key("alt+c")
    desk.find_text("s left", box)
    desk.key("Escape")
    desk.find_text("Everything is as it was", box)
    desk.key("alt+F4")
    assert cancelled.wait_for_exit() == 0, cancelled.output()
    gone()

    # High DPI.
    large = start("refused", WINIT_X11_SCALE_FACTOR="2")
    box = window()
    assert box.size[0] > 1000, box
    desk.find_text("cannot be cleared here", box)
    desk.shot("recovery-window-refused-200", box)
    desk.key("Escape")
    assert large.wait_for_exit() == 0, large.output()
    gone()
