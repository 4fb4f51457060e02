/* The clipboard, as another program uses it: `clipboard get` prints the text in it, `clipboard set FILE` puts the text
 * of a file into it. UTF-8 outside, UTF-16 in the clipboard. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#define MOST (1 << 20)

static int get(void)
{
    static char text[MOST];
    HANDLE data = GetClipboardData(CF_UNICODETEXT);
    WCHAR *wide = data ? GlobalLock(data) : NULL;
    int length = wide ? WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, MOST, NULL, NULL) : 0;
    if (length < 1)
        return 2;
    return fwrite(text, 1, length - 1, stdout) != (size_t)length - 1;
}

static int set(const char *path)
{
    static char text[MOST];
    FILE *file = fopen(path, "rb");
    int length = file ? (int)fread(text, 1, MOST - 1, file) : 0;
    HGLOBAL data = GlobalAlloc(GMEM_MOVEABLE, (length + 1) * sizeof(WCHAR));
    WCHAR *wide = data ? GlobalLock(data) : NULL;
    if (!file || !wide)
        return 3;
    wide[MultiByteToWideChar(CP_UTF8, 0, text, length, wide, length)] = 0;
    GlobalUnlock(data);
    return !EmptyClipboard() || !SetClipboardData(CF_UNICODETEXT, data);
}

int main(int argc, char **argv)
{
    /* An owner, which EmptyClipboard wants. */
    HWND window = CreateWindowA("STATIC", "clipboard", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    int tries, code;
    for (tries = 0; !OpenClipboard(window); tries++) {
        if (tries == 50)
            return 1;
        Sleep(100);
    }
    code = argc > 2 && !strcmp(argv[1], "set") ? set(argv[2]) : get();
    CloseClipboard();
    return code;
}
