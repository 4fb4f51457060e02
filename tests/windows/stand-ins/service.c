/* Stands in for VisualCronService.exe: a Windows service that starts and stops, each after a moment. With the
   argument `fails` it stops again at once, with code 5; with `slow` a moment is six seconds. */
#include <windows.h>
#include <wchar.h>

static SERVICE_STATUS_HANDLE handle;
static HANDLE stop;
static int fails;
static DWORD moment = 300;

static void tell(DWORD state, DWORD code)
{
    SERVICE_STATUS status = {0};
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    status.dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0;
    status.dwWin32ExitCode = code;
    status.dwWaitHint = 10000;
    SetServiceStatus(handle, &status);
}

static DWORD WINAPI control(DWORD code, DWORD type, void *data, void *context)
{
    (void)type, (void)data, (void)context;
    if (code == SERVICE_CONTROL_STOP) {
        tell(SERVICE_STOP_PENDING, 0);
        SetEvent(stop);
    }
    return code == SERVICE_CONTROL_STOP || code == SERVICE_CONTROL_INTERROGATE ? NO_ERROR : ERROR_CALL_NOT_IMPLEMENTED;
}

static void WINAPI run(DWORD count, WCHAR **arguments)
{
    (void)count;
    handle = RegisterServiceCtrlHandlerExW(arguments[0], control, NULL);
    tell(SERVICE_START_PENDING, 0);
    Sleep(moment);
    if (fails) {
        tell(SERVICE_STOPPED, ERROR_ACCESS_DENIED);
        return;
    }
    tell(SERVICE_RUNNING, 0);
    WaitForSingleObject(stop, INFINITE);
    Sleep(moment);
    tell(SERVICE_STOPPED, 0);
}

int wmain(int count, WCHAR **arguments)
{
    SERVICE_TABLE_ENTRYW table[] = {{L"", run}, {NULL, NULL}};
    fails = count > 1 && !wcscmp(arguments[1], L"fails");
    if (count > 1 && !wcscmp(arguments[1], L"slow"))
        moment = 6000;
    stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    return StartServiceCtrlDispatcherW(table) ? 0 : (int)GetLastError();
}
