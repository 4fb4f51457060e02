"""A notification with two buttons: proves that bubbles are found, read and clicked."""


def run(desk):
    listener = desk.start("/usr/bin/gdbus", "monitor", "--session", "--dest", "org.freedesktop.Notifications")
    listener.wait_for_output("is owned by")

    notify = ("/usr/bin/gdbus", "call", "--session", "--dest", "org.freedesktop.Notifications",
              "--object-path", "/org/freedesktop/Notifications",
              "--method", "org.freedesktop.Notifications.Notify")
    desk.start(*notify, "bare", "0", "", "Maintenance ends soon", "PROD-01: 30 days left.",
               "['renew', 'Renew…', 'later', 'Remind me later']", "{}", "60000").wait_for_exit()
    desk.wait_for_bubble("30 days left")
    desk.shot_of_changes("bare_bubble")
    desk.click_bubble_action("Remind me later")
    listener.wait_for_output("ActionInvoked (uint32 1, 'later')")
    desk.wait_for_no_bubble()
