"""The page for the browser: Details."""

import real


def run(desk):
    real.servers(desk, real.server("PROD-01", 12, kind="Subscription"), real.server("&lt;b&gt;TEST", -40, port=16445),
                 real.server("OLD-01", 200, port=16446), real.server("NEW-01", None, port=16447))
    tray = real.start(desk)
    desk.wait_for_icon()
    desk.click_bubble_action("Details", "license")
    page = desk.wait_for_opened()
    assert page.endswith("/pages/details.html"), page
    with open(page, encoding="utf-8") as file:
        text = file.read()
    assert "PROD-01" in text and "&lt;b&gt;TEST" in text and "<b>TEST" not in text
    desk.page_shot("page-details", page)

    desk.choose_from_icon("Exit")
    assert tray.wait_for_exit() == 0
