/* Posts a message to a window, as the shell would: post CLASS MESSAGE [WPARAM [LPARAM]], where MESSAGE is a number or
 * the name of a registered message; `policy`, what Windows sends when Group Policy was applied;
 * or `forget`, after which the taskbar knows nothing of the window's icons, as one that was started anew. */
#include <stdlib.h>
#include <windows.h>
#include <shellapi.h>

int main(int argc, char **argv)
{
    HWND window = argc > 2 ? FindWindowA(argv[1], NULL) : NULL;
    UINT message = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
    if (!window)
        return 1;
    if (!message && !lstrcmpA(argv[2], "policy"))
        return !SendMessageTimeoutA(window, WM_SETTINGCHANGE, 1, (LPARAM)"Policy", SMTO_NORMAL, 10000, NULL);
    if (!message && !lstrcmpA(argv[2], "forget")) {
        NOTIFYICONDATAW icon = {.cbSize = sizeof icon, .hWnd = window};
        for (icon.uID = 1; icon.uID <= 8; icon.uID++)
            Shell_NotifyIconW(NIM_DELETE, &icon);
        return 0;
    }
    if (!message)
        message = RegisterWindowMessageA(argv[2]);
    return !PostMessageA(window, message, argc > 3 ? strtoul(argv[3], NULL, 0) : 0,
                         argc > 4 ? strtoul(argv[4], NULL, 0) : 0);
}
