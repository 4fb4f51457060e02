/* Stands in for VisualCronClient.exe and VCTray.exe. What it is told is in its arguments:

     idle                       a window, until that is closed
     stubborn                   a window that does not close
     hidden                     a window that cannot be seen, until it is closed
     hold FILE [share]          no window; holds the file open, sharing nothing but reading, or (share) everything
   Words after that are of no meaning. */
#include <windows.h>
#include <wchar.h>

static int stubborn;

static LRESULT CALLBACK proc(HWND window, UINT message, WPARAM w, LPARAM l)
{
    if (message == WM_CLOSE && stubborn)
        return 0;
    if (message == WM_DESTROY)
        PostQuitMessage(0);
    return DefWindowProcW(window, message, w, l);
}

int WINAPI wWinMain(HINSTANCE instance, HINSTANCE none, WCHAR *line, int show)
{
    int count;
    WCHAR **words = CommandLineToArgvW(GetCommandLineW(), &count);
    WNDCLASSW class = {0};
    HWND window;
    MSG message;
    (void)none, (void)line, (void)show;
    if (count > 2 && !wcscmp(words[1], L"hold")) {
        DWORD share = count > 3 && !wcscmp(words[3], L"share") ? FILE_SHARE_WRITE | FILE_SHARE_DELETE : 0;
        HANDLE file = CreateFileW(words[2], GENERIC_READ, FILE_SHARE_READ | share, NULL, OPEN_EXISTING, 0, NULL);
        if (file == INVALID_HANDLE_VALUE)
            return 1;
        Sleep(60000);
        return 0;
    }
    stubborn = count > 1 && !wcscmp(words[1], L"stubborn");
    class.lpfnWndProc = proc;
    class.hInstance = instance;
    class.lpszClassName = L"StandIn";
    RegisterClassW(&class);
    window = CreateWindowW(class.lpszClassName, L"Stand-in", WS_OVERLAPPEDWINDOW, 0, 0, 200, 100, NULL, NULL, instance,
                           NULL);
    if (!window)
        return 3;
    if (count < 2 || wcscmp(words[1], L"hidden"))
        ShowWindow(window, SW_SHOWNOACTIVATE);
    /* Nothing of a test may stay longer than that. */
    SetTimer(NULL, 0, 120000, NULL);
    while (GetMessageW(&message, NULL, 0, 0) > 0) {
        if (message.message == WM_TIMER && !message.hwnd)
            return 2;
        DispatchMessageW(&message);
    }
    return 0;
}
