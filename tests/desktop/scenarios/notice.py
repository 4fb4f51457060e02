"""A notice is seen with its buttons and put off until tomorrow on the bubble itself."""

import real


def run(desk):
    real.servers(desk, real.server("PROD-01", 12, kind="Subscription"), real.server("PROD-02", 200))
    tray = real.start(desk)
    desk.wait_for_icon()
    bubble = desk.wait_for_bubble("PROD-01: Subscription expires in 12 days")
    desk.shot("notice", bubble, padding=16)
    desk.dismiss_bubble()
    menu = desk.right_click_icon()
    desk.expect("Maintenance notice: PROD-01", within=menu)
    desk.close_menu()
    assert tray.is_running()
    tray.stop()
    desk.wait_for_no_icon()

    # A notice that was shown does not come again by itself; the next band does.
    tray = real.start(desk, now=real.day(5))
    desk.click_bubble_action("Remind me tomorrow", "PROD-01: Subscription expires in 7 days")
    desk.wait_for_no_bubble()
    menu = desk.right_click_icon()
    desk.expect("PROD-01: Subscription expires in 7 days", "Settings", within=menu)
    assert not desk.has_text("Maintenance notice", menu)
    desk.shot_of_changes("notice-put-off")
    desk.close_menu()
    desk.choose_from_icon("Exit")
    assert tray.wait_for_exit() == 0
