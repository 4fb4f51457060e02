/* Posts a message to a window, as the shell would: post CLASS MESSAGE [WPARAM [LPARAM]], where MESSAGE is a number or
 * the name of a registered message; or `policy`, what Windows sends when Group Policy was applied. */
#include <stdlib.h>
#include <windows.h>

int main(int argc, char **argv)
{
    HWND window = argc > 2 ? FindWindowA(argv[1], NULL) : NULL;
    UINT message = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
    if (!window)
        return 1;
    if (!message && !lstrcmpA(argv[2], "policy"))
        return !SendMessageTimeoutA(window, WM_SETTINGCHANGE, 1, (LPARAM)"Policy", SMTO_NORMAL, 10000, NULL);
    if (!message)
        message = RegisterWindowMessageA(argv[2]);
    return !PostMessageA(window, message, argc > 3 ? strtoul(argv[3], NULL, 0) : 0,
                         argc > 4 ? strtoul(argv[4], NULL, 0) : 0);
}
