#include "http/request.h"

enum method method_of(struct str name)
{
    static const struct str names[] = {
        [METHOD_GET] = STR_INIT("GET"),       [METHOD_HEAD] = STR_INIT("HEAD"),
        [METHOD_POST] = STR_INIT("POST"),     [METHOD_PUT] = STR_INIT("PUT"),
        [METHOD_DELETE] = STR_INIT("DELETE"), [METHOD_OPTIONS] = STR_INIT("OPTIONS"),
        [METHOD_TRACE] = STR_INIT("TRACE"),   [METHOD_CONNECT] = STR_INIT("CONNECT"),
    };

    for (int m = METHOD_GET; m <= METHOD_CONNECT; m++)
        if (str_eq(name, names[m]))
            return (enum method)m;
    return METHOD_OTHER;
}
