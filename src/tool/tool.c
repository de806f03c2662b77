#include "tool/tool.h"

#include <stdarg.h>
#include <stdio.h>

int tool_fail(const char *name, int status, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "scgate %s: ", name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    if (status == TOOL_USAGE)
        fprintf(stderr, "try: scgate %s --help\n", name);
    return status;
}
