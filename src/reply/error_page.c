#include "reply/error_page.h"

#include "http/status.h"

/* One page from its first byte to its last; the pieces are literals, so that usual pages are made by the
 * compiler. */
#define HEAD                                                                                                 \
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"                                                          \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"                             \
    "<meta name=\"color-scheme\" content=\"light dark\">\n"                                                  \
    "<style>body{font:1em/1.5 system-ui,sans-serif;max-width:36em;margin:4em auto;padding:0 1em}"            \
    "h1{font-size:1.5em}</style>\n<title>"
#define MIDDLE "</title>\n</head>\n<body>\n<h1>"
#define TEXT   "</h1>\n<p>"
#define DETAIL "</p>\n<p>"
#define TAIL   "</p>\n</body>\n</html>\n"

#define PAGE(code, reason, text)                                                                             \
    {                                                                                                        \
        code, STR_INIT(HEAD #code " " reason MIDDLE reason TEXT text TAIL)                                   \
    }

static const struct page {
    int status;
    struct str page;
} pages[] = {
    PAGE(301, "Moved Permanently", "This page has moved for good. The new address comes with this answer."),
    PAGE(302, "Found", "This page is at another address for now. It comes with this answer."),
    PAGE(400, "Bad Request", "The server could not understand what your browser or program sent."),
    PAGE(401, "Unauthorized", "You have to sign in to see this page."),
    PAGE(403, "Forbidden", "You may not see this page."),
    PAGE(404, "Not Found", "There is no page at this address. Check it for typing errors."),
    PAGE(405, "Method Not Allowed", "This page cannot be asked for in this way."),
    PAGE(408, "Request Timeout", "Your request did not arrive in time. You can try again."),
    PAGE(411, "Length Required", "The server needs to know the length of what you send before it comes."),
    PAGE(412, "Precondition Failed", "The page is not in the state that your request asked for."),
    PAGE(413, "Content Too Large", "What you sent is larger than the server accepts here."),
    PAGE(414, "URI Too Long", "The address is longer than the server accepts."),
    PAGE(416, "Range Not Satisfiable", "The part that was asked for lies outside of this file."),
    PAGE(417, "Expectation Failed", "The server cannot do what your request expects of it."),
    PAGE(500, "Internal Server Error", "Something went wrong on the server. It is not your fault."),
    PAGE(501, "Not Implemented", "The server does not know how to do what was asked."),
    PAGE(502, "Bad Gateway",
         "The application behind this server gave no answer that could be understood. You can try again."),
    PAGE(503, "Service Unavailable",
         "The application behind this server cannot be reached now. Please try again later."),
    PAGE(504, "Gateway Timeout",
         "The application behind this server did not answer in time. Please try again later."),
    PAGE(505, "HTTP Version Not Supported",
         "The server does not speak the version of HTTP that was asked for."),
};

static struct str usual_page(int status)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (pages[i].status == status)
            return pages[i].page;
    return STR_NONE;
}

static struct str other_page(struct arena *arena, int status)
{
    struct str reason = status_reason(status);
    struct str text = status >= 500   ? STR("The server could not answer.")
                      : status >= 400 ? STR("The request cannot be answered as it is.")
                                      : STR("This is all that the server has to say.");

    if (!reason.p)
        reason = status >= 500 ? STR("Server Error") : status >= 400 ? STR("Request Error") : STR("Answer");
    return ARENA_CONCAT(arena, STR(HEAD), arena_printf(arena, "%d ", status), reason, STR(MIDDLE), reason,
                        STR(TEXT), text, STR(TAIL));
}

struct str error_page(struct arena *arena, int status, struct str detail)
{
    struct str page = usual_page(status), tail = STR(TAIL);

    if (!page.p)
        page = other_page(arena, status);
    if (!detail.n)
        return page;
    return ARENA_CONCAT(arena, str_first(page, page.n - tail.n), STR(DETAIL), detail, tail);
}

struct str error_page_signature(struct arena *arena, struct str software, struct str host, unsigned port,
                                struct str admin)
{
    struct str name = host;

    if (admin.p)
        name = ARENA_CONCAT(arena, STR("<a href=\"mailto:"), admin, STR("\">"), host, STR("</a>"));
    return arena_printf(arena, "<address>%.*s Server at %.*s Port %u</address>\n", STR_ARG(software),
                        STR_ARG(name), port);
}
