/* Stands in for VisualCronClient.exe and VCTray.exe: a window, until that is closed. What else it does is in its
   arguments, in any order; other words are of no meaning:

     hidden              the window cannot be seen
     stubborn            the window does not close
     late MS             the window closes after so many milliseconds
     writes FILE TEXT    writes the file anew when it closes
     makes FILE TEXT     writes the file when it starts, where there is none
     hold FILE SHARE     holds the file open, if it is there; others may 1 read, 2 write, 4 delete it, or a sum of these
     windowless          no window */
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

static int stubborn, late;
static const WCHAR *writes, *text;

static void put(const WCHAR *name, const WCHAR *content)
{
    FILE *file = _wfopen(name, L"wb");
    if (file) {
        for (; *content; content++)
            fputc(*content, file);
        fclose(file);
    }
}

static LRESULT CALLBACK proc(HWND window, UINT message, WPARAM w, LPARAM l)
{
    if (message == WM_CLOSE && stubborn)
        return 0;
    if (message == WM_CLOSE && late) {
        SetTimer(window, 1, late, NULL);
        return 0;
    }
    if (message == WM_TIMER)
        DestroyWindow(window);
    if (message == WM_DESTROY)
        PostQuitMessage(0);
    return DefWindowProcW(window, message, w, l);
}

int WINAPI wWinMain(HINSTANCE instance, HINSTANCE none, WCHAR *line, int show)
{
    int count, at, hidden = 0, windowless = 0;
    WCHAR **words = CommandLineToArgvW(GetCommandLineW(), &count);
    WNDCLASSW class = {0};
    HWND window;
    MSG message;
    (void)none, (void)line, (void)show;
    for (at = 1; at < count; at++) {
        if (!wcscmp(words[at], L"hidden"))
            hidden = 1;
        else if (!wcscmp(words[at], L"stubborn"))
            stubborn = 1;
        else if (!wcscmp(words[at], L"windowless"))
            windowless = 1;
        else if (!wcscmp(words[at], L"late") && at + 1 < count)
            late = _wtoi(words[++at]);
        else if (!wcscmp(words[at], L"writes") && at + 2 < count)
            writes = words[++at], text = words[++at];
        else if (!wcscmp(words[at], L"makes") && at + 2 < count) {
            if (GetFileAttributesW(words[at + 1]) == INVALID_FILE_ATTRIBUTES)
                put(words[at + 1], words[at + 2]);
            at += 2;
        } else if (!wcscmp(words[at], L"hold") && at + 2 < count) {
            CreateFileW(words[at + 1], GENERIC_READ, _wtoi(words[at + 2]), NULL, OPEN_EXISTING, 0, NULL);
            at += 2;
        }
    }
    if (windowless) {
        Sleep(600000);
        return 0;
    }
    class.lpfnWndProc = proc;
    class.hInstance = instance;
    class.lpszClassName = L"StandIn";
    RegisterClassW(&class);
    window = CreateWindowW(class.lpszClassName, L"Stand-in", WS_OVERLAPPEDWINDOW, 0, 0, 200, 100, NULL, NULL, instance,
                           NULL);
    if (!window)
        return 3;
    if (!hidden)
        ShowWindow(window, SW_SHOWNOACTIVATE);
    /* Nothing of a test may stay longer than that. */
    SetTimer(NULL, 0, 600000, NULL);
    while (GetMessageW(&message, NULL, 0, 0) > 0) {
        if (message.message == WM_TIMER && !message.hwnd)
            return 2;
        DispatchMessageW(&message);
    }
    if (writes)
        put(writes, text);
    return 0;
}
