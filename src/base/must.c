#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

void (*must_report)(const char *message);

void must_fail(const char *condition, const char *file, int line, const char *function)
{
    static char message[512];

    snprintf(message, sizeof message, "%s:%d: %s: %s", file, line, function, condition);
    if (must_report)
        must_report(message);
    abort();
}
